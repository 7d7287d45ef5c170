"""Drives the demo page as a member would, in a real Chromium."""

import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import FilePayload, Locator, Page, Playwright, expect

_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)

PATIENCE = 20_000
"""Milliseconds that the page may take for one action on a busy machine."""


async def open_page(playwright: Playwright, url: str) -> Page:
    """Open the page in a new browser and wait until it shows the channel."""
    browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGUMENTS.split())
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    await page.goto(url)
    await settled(page)
    return page


async def settled(page: Page) -> None:
    """Wait until the page is idle: nothing loads, and the last click is done."""
    await expect(page.locator("#preview-app")).to_have_attribute("aria-busy", "false", timeout=PATIENCE)
    await expect(page.locator("#action-status")).not_to_have_text(re.compile("…$"), timeout=PATIENCE)


async def look_as(page: Page, name: str) -> None:
    """View the channel and act as another member from now on."""
    await settled(page)
    viewer = page.get_by_label("Viewing as")
    await viewer.select_option(label=name)
    await expect(viewer.locator("option:checked")).to_have_text(name)
    await settled(page)


@dataclass(frozen=True, slots=True)
class Picked:
    """A choice that is found by typing a part of it."""

    choice: str
    typed: str


Answer = str | Picked | Path | FilePayload


async def type_command(page: Page, command: str, options: Mapping[str, Answer] | None = None) -> None:
    """Pick a slash command (`/voices list`), fill in its options, send it; return when its callback has.

    A choice is given by its label, a file by its path or as a name with its bytes.
    """
    composer = page.locator("#channel-composer-input")
    await composer.fill(command)
    await expect(page.locator(".command-entry.is-active strong")).to_have_text(command)
    await composer.press("Enter")  # a click is lost if the list is drawn anew between down and up
    for name, answer in (options or {}).items():
        await _fill(page, name, answer)
    await page.locator("#send-message").click()
    await expect(page.locator(".command-row")).to_have_count(0, timeout=PATIENCE)


async def offered(page: Page) -> list[str]:
    composer = page.locator("#channel-composer-input")
    await composer.fill("/")
    names = page.locator(".command-entry strong")
    await names.first.wait_for()
    found = await names.all_inner_texts()
    await composer.fill("")
    return found


async def _fill(page: Page, name: str, answer: Answer) -> None:
    option = page.locator(f'.command-pill[data-option="{name}"]')
    suggestions = page.locator(".command-suggestion")
    if not await option.count():
        await page.locator(".command-ghost").click()
        await suggestions.get_by_text(name, exact=True).click()
    if not isinstance(answer, str | Picked):
        await option.locator("input[type=file]").set_input_files(answer)
        return
    picked = answer if isinstance(answer, Picked) else Picked(answer, answer)
    field = option.locator(".command-option-input")
    await field.fill(picked.typed)
    if await field.get_attribute("role") == "combobox":
        await suggestions.get_by_text(picked.choice, exact=True).click()


def card(page: Page) -> Locator:
    return page.locator(".channel-message").last


async def card_text(page: Page) -> str:
    return await card(page).inner_text()


async def card_texts(page: Page, *, until: str | re.Pattern[str], seconds: float = PATIENCE / 1000) -> list[str]:
    """Collect the texts of the last message until it says `until`. Raises `TimeoutError` after `seconds`."""
    last = until if isinstance(until, re.Pattern) else re.compile(re.escape(until))
    texts: list[str] = []
    deadline = time.monotonic() + seconds
    while not texts or not last.search(texts[-1]):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the card never said {last.pattern!r}; it said {texts}")
        if (text := await card_text(page)) not in texts[-1:]:
            texts.append(text)
        await page.wait_for_timeout(50)
    return texts


async def press(page: Page, label: str) -> None:
    """Press a button of the last message once the page is idle; a busy page ignores clicks."""
    await settled(page)
    await card(page).get_by_role("button", name=label, exact=True).click()


async def choose(page: Page, choice: str) -> None:
    await settled(page)
    await card(page).locator(".select-trigger").click()
    await card(page).locator(".option-label").get_by_text(choice, exact=True).click()


async def fill_form(page: Page, answers: Mapping[str, str]) -> None:
    """Fill in the open form, by the labels of its fields, and submit it."""
    form = page.get_by_role("dialog")
    for label, answer in answers.items():
        await form.get_by_label(label).fill(answer)
    await form.get_by_role("button", name="Submit").click()
    await expect(form).to_have_count(0, timeout=PATIENCE)


async def play(page: Page) -> float:
    """Play the audio of the last message until its time runs; return its length in seconds."""
    player = card(page).locator(".audio-player")
    await expect(player.locator(".media-player-status")).to_be_empty()  # it says so while it loads
    await player.get_by_role("button", name="Play").click()
    await expect(player.locator(".media-player-time")).to_contain_text("0:01 /")
    duration: float = await player.locator("audio").evaluate("audio => audio.duration")
    return duration


async def take_picture(page: Page, path: Path) -> None:
    """Save a picture of the window, with the last message visible and its media loaded."""
    await card(page).evaluate("card => card.scrollIntoView({block: 'end'})")
    for status in await card(page).locator(".media-player-status").all():
        await expect(status).to_be_empty()
    for image in await card(page).locator("img").all():
        await expect(image).to_have_js_property("complete", value=True)
        await expect(image).not_to_have_js_property("naturalWidth", 0)
    await page.screenshot(path=path)
