"""Drives the demo page as a visitor would, in a real Chromium."""

import re
import shutil
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, FilePayload, Locator, Page, Playwright, async_playwright, expect

from bot.demo.demo import Demo, running_demo
from bot.demo.page import SAMPLES
from support.reading import sentence

_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)

PATIENCE = 20_000
"""Milliseconds that the page may take for one action on a busy machine."""

WIDE, NARROW = (1280, 900), (390, 844)
"""Sizes of a page, in CSS pixels: of a laptop, and of a phone."""


@dataclass(eq=False)
class Visit:
    """A browser at a running demo. `complaints` are what its console said, and requests that left this machine."""

    demo: Demo
    browser: Browser
    size: tuple[int, int]
    complaints: list[str]

    async def open(self, place: str = "", **options: Any) -> Page:
        """Open the page in another window, at `#ada/studio` or another place, and wait until it shows messages."""
        width, height = self.size
        page = await self.browser.new_page(viewport={"width": width, "height": height}, **options)
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._check(request.url))
        await page.goto(self.demo.url + place)
        await expect(page.locator("#log")).to_be_visible(timeout=PATIENCE)
        return page

    def _check(self, url: str) -> None:
        if not url.startswith((self.demo.url, self.demo.url.replace("http", "ws"), "data:", "blob:")):
            self.complaints.append(f"a request to {url}")


@asynccontextmanager
async def visiting(size: tuple[int, int] = WIDE, **options: Any) -> AsyncGenerator[Visit]:
    """Start a demo and a browser. At the end, the browser must not have had anything to complain about."""
    async with running_demo(**options) as demo, async_playwright() as playwright:
        visit = Visit(demo, await launch(playwright), size, [])
        try:
            yield visit
        finally:
            print(*demo.story.entries, sep="\n")  # noqa: T201 - pytest shows it if the test fails
        await visit.browser.close()
    assert visit.complaints == []


async def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium."""
    return await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGUMENTS.split())


async def open_column(page: Page, side: str) -> None:
    """Open a column that a narrow page hides: `left` or `right`."""
    button = page.locator(f"main > header .icon.{side}")
    if await button.is_visible() and not await page.locator(f"body.open-{side}").count():
        await button.click()


async def look_as(page: Page, name: str) -> None:
    """See the page as another person from now on, and act as them."""
    await open_column(page, "left")
    await page.locator(".people").get_by_role("link", name=name).click()
    await expect(page.locator(".people [aria-current=true]")).to_contain_text(name, timeout=PATIENCE)


async def go_to(page: Page, channel: str) -> None:
    """Open a channel by its name, or the direct messages."""
    await open_column(page, "left")
    await page.locator(".channels").get_by_role("link", name=channel).click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(channel, timeout=PATIENCE)


async def break_something(page: Page, name: str) -> None:
    """Press a button of *Break something*."""
    await open_column(page, "right")
    await page.locator(".faults").get_by_role("button", name=name).click()


@dataclass(frozen=True, slots=True)
class Picked:
    """A choice that is found by typing a part of it."""

    choice: str
    typed: str


Answer = str | Picked | Path | FilePayload


async def begin_command(page: Page, command: str) -> None:
    """Type a slash command (`/voices list`) and pick it from the list."""
    await page.get_by_role("combobox", name="Message").fill(command)
    offered = page.locator("#commands").get_by_role("option").filter(has=page.locator("b", has_text=exactly(command)))
    await offered.click()


async def type_command(page: Page, command: str, options: Mapping[str, Answer] | None = None) -> None:
    """Pick a slash command, fill in its options and send it.

    A choice is given by its label, a file by its path or as a name with its bytes.
    """
    await begin_command(page, command)
    form = page.locator(".draft")
    for name, answer in (options or {}).items():
        label = form.get_by_text(exactly(name))
        if not await label.count():
            await form.get_by_role("button", name=f"+ {name}").click()
        await _answer(page, form.get_by_label(exactly(name)), answer)
    await form.get_by_role("button", name="Send").click()
    await expect(form).to_be_empty(timeout=PATIENCE)


async def _answer(page: Page, field: Locator, answer: Answer) -> None:
    if isinstance(answer, Picked):
        await field.fill(answer.typed)
        await page.get_by_role("option", name=answer.choice).click()
    elif not isinstance(answer, str):
        async with page.expect_file_chooser() as choosing:
            await field.click()
        await (await choosing.value).set_files(answer)
        name = answer.name if isinstance(answer, Path) else answer["name"]
        await expect(field).to_contain_text(name, timeout=PATIENCE)
    elif await field.evaluate("field => field.tagName") == "SELECT":
        await field.select_option(label=answer)
    else:
        await field.fill(answer)


def exactly(text: str) -> re.Pattern[str]:
    return re.compile(f"^{re.escape(text)}$")


async def offered(page: Page) -> list[str]:
    """List the slash commands that the page offers to the current person."""
    message = page.get_by_role("combobox", name="Message")
    await message.fill("/")
    await expect(page.locator("#commands").get_by_role("option").first).to_be_visible(timeout=PATIENCE)
    names = await page.locator("#commands b").all_inner_texts()
    await message.press("Escape")
    return names


def card(page: Page) -> Locator:
    """Return the last message."""
    return page.locator(".message").last


async def card_text(page: Page) -> str:
    return await card(page).inner_text()


async def card_texts(page: Page, until: str | re.Pattern[str]) -> list[str]:
    """Collect the texts of the last message, as they change, until one contains or matches `until`."""
    texts = [await card_text(page)]
    end = time.monotonic() + PATIENCE / 1000
    wanted = re.compile(re.escape(until)) if isinstance(until, str) else until
    while not wanted.search(texts[-1]):
        assert time.monotonic() < end, f"{wanted.pattern} does not appear: {texts[-1]}"
        await page.wait_for_timeout(20)
        if (text := await card_text(page)) != texts[-1]:
            texts.append(text)
    return texts


async def press(page: Page, label: str) -> None:
    """Press a button of the last message."""
    await card(page).get_by_role("button", name=exactly(label)).click()


async def choose(page: Page, choice: str, select: str | None = None) -> None:
    """Choose from a select of the last message: the only one, or the one that shows `select`."""
    selects = card(page).locator(".select")
    await (selects.filter(has_text=select) if select else selects).click()
    await page.locator(".list").get_by_role("option", name=choice).click()


async def fill_form(page: Page, answers: Mapping[str, str]) -> None:
    """Fill in the open form, by the labels of its fields, and submit it."""
    form = page.get_by_role("dialog")
    for label, answer in answers.items():
        field = form.get_by_label(label)
        if "select" in (await field.get_attribute("class") or ""):
            await field.click()
            await page.locator(".list").get_by_role("option", name=answer).click()
        else:
            await field.fill(answer)
    await form.get_by_role("button", name="Submit").click()
    await expect(form).to_have_count(0, timeout=PATIENCE)


async def play(page: Page) -> float:
    """Play the sound of the last message until its time runs; return its length in seconds."""
    player = card(page).locator("audio")
    await player.evaluate("audio => audio.play()")
    await page.wait_for_function("audio => audio.currentTime > 0.2", arg=await player.element_handle())
    duration: float = await player.evaluate("audio => audio.duration")
    return duration


async def take_picture(page: Page, path: Path, *, whole: bool = False) -> None:
    """Save a picture of the last message, or of the whole window, with its media loaded."""
    for image in await card(page).locator("img").all():
        await expect(image).to_have_js_property("complete", value=True)
        await expect(image).not_to_have_js_property("naturalWidth", 0)
    for player in await card(page).locator("audio").all():
        await page.wait_for_function("audio => audio.readyState > 0", arg=await player.element_handle())
    await (page if whole else card(page)).screenshot(path=path)


GIVEN: dict[str, Answer] = {"sample": SAMPLES / "good-sample.mp3", "title": "Ada", "rights": "This is my own voice"}
"""What a visitor fills in for a clone."""


async def clone(page: Page, title: str = "Ada", **options: Answer) -> None:
    """Clone the good sample, and wait for the voice."""
    await type_command(page, "/clonevoice", GIVEN | {"title": title} | options)
    await card_texts(page, until=sentence("voice.ready", title=title))


async def share(page: Page, title: str = "Countess") -> Picked:
    """Clone and share a voice as Ada; return the voice among the choices of others."""
    await clone(page, title)
    await press(page, sentence("button.share"))
    await card_texts(page, until=sentence("shared.here"))
    return Picked(sentence("choice.shared", title=title, owner="Ada"), typed=title[:5].lower())
