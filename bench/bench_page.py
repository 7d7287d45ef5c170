"""Measures how soon the demo page reacts to a visitor, and prints a table, the slowest reaction first.

Run it as `PYTHONPATH=tests python bench/bench_page.py`; it needs Chromium. Each figure is the slowest of five, in
milliseconds, and next to the slowest opening of the list of commands, for which the page asks nobody.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import perf_counter

from playwright.async_api import Locator, Page

from bot.demo.page import SAMPLES
from support.browser import WIDE, Answer, begin_command, break_something, card, card_texts, look_as, visiting

ROUNDS = 5
ALONE = "the list of commands opens"
CLONE: dict[str, Answer] = {"sample": SAMPLES / "good-sample.mp3", "title": "Ada", "rights": "This is my own voice"}

times = defaultdict[str, list[float]](list)


async def main() -> None:
    """Measure and print."""
    for _ in range(ROUNDS):
        async with visiting(WIDE, clone_seconds=1) as visit:
            await tour(await visit.open())
    alone = max(times[ALONE])
    for name, each in sorted(times.items(), key=lambda item: -max(item[1])):
        print(f"{1000 * max(each):5.0f} ms  {max(each) / alone:5.1f}  {name}")


@asynccontextmanager
async def reaction(name: str, shown: Locator) -> AsyncGenerator[None]:
    """Measure the time from what is done until something is shown."""
    began = perf_counter()
    yield
    await shown.wait_for()
    times[name].append(perf_counter() - began)


async def tour(page: Page) -> None:
    """Do what a visitor does."""
    message = page.get_by_role("combobox", name="Message")
    async with reaction(ALONE, page.locator("#commands").get_by_role("option").first):
        await message.press("/")
    await message.fill("Hello")
    async with reaction("a message is sent", page.get_by_text("Hello", exact=True)):
        await message.press("Enter")
    async with reaction("a sample is attached", page.locator(".pick.filled")):
        await page.get_by_role("button", name="good-sample.mp3").click()
    await page.get_by_label("title").fill("Ada")
    await page.get_by_label("rights").select_option(label="This is my own voice")
    async with reaction("a command is acknowledged", page.locator(".message .used")):
        await page.locator(".use").click()
    await card_texts(page, until="is ready")
    async with reaction("a button opens a form", page.get_by_role("dialog")):
        await card(page).get_by_role("button", name="Rename").click()
    form = page.get_by_role("dialog")
    await form.get_by_role("textbox").fill("Countess")
    async with reaction("a form is submitted", card(page).get_by_text(re.compile("^Countess"))):
        await form.get_by_role("button", name="Submit").click()
    async with reaction("a button changes a card", card(page).get_by_text(re.compile("shared here"))):
        await card(page).get_by_role("button", name="Share here").click()
    await share(page)
    async with reaction("the bot is seen to be killed", page.get_by_text("The bot is offline")):
        await break_something(page, "Kill the bot")


async def share(page: Page) -> None:
    """Look as Grace, for whom a voice is shared, and choose it."""
    async with reaction("another person looks", page.locator(".people [aria-current=true]", has_text="Grace")):
        await look_as(page, "Grace")
    await begin_command(page, "/speak")
    async with reaction("the bot's choices are offered", page.get_by_role("option", name="Countess")):
        await page.get_by_label("voice", exact=True).fill("count")
    await page.keyboard.press("Escape")
    async with reaction("another channel opens", page.locator("h1", has_text="Direct messages")):
        await page.locator(".channels").get_by_role("link", name="Direct messages").click()


asyncio.run(main())
