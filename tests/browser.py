"""Drives the demo page as a member would, in a real Chromium."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from playwright.async_api import FilePayload, Locator, Page, Playwright, expect

_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)


async def open_page(playwright: Playwright, url: str) -> Page:
    """Open the page in a browser of its own and wait until it shows the channel."""
    browser = await playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=_ARGUMENTS.split()
    )
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    await page.goto(url)
    await expect(page.locator("#preview-app")).to_have_attribute("aria-busy", "false")
    return page


async def type_command(page: Page, command: str, options: Mapping[str, str | Path | FilePayload]) -> None:
    """Pick a slash command (`/voices list`), fill in its options, send it; return when its callback has.

    A choice goes by what the member reads, a file by its path or as a name with its bytes.
    """
    await page.locator("#channel-composer-input").fill(command)
    await page.locator(".command-entry").get_by_text(command, exact=True).click()
    for name, answer in options.items():
        await _fill(page, name, answer)
    await page.locator("#send-message").click()
    await expect(page.locator(".command-row")).to_have_count(0, timeout=10_000)


async def _fill(page: Page, name: str, answer: str | Path | FilePayload) -> None:
    option = page.locator(f'.command-pill[data-option="{name}"]')
    suggestions = page.locator(".command-suggestion")
    if not await option.count():
        await page.locator(".command-ghost").click()
        await suggestions.get_by_text(name, exact=True).click()
    if not isinstance(answer, str):
        await option.locator("input[type=file]").set_input_files(answer)
        return
    field = option.locator(".command-option-input")
    await field.fill(answer)
    if await field.get_attribute("role") == "combobox":
        await suggestions.get_by_text(answer, exact=True).click()


def card(page: Page) -> Locator:
    """Find the last message of the channel."""
    return page.locator(".channel-message").last


async def card_text(page: Page) -> str:
    """Read the last message of the channel."""
    return await card(page).inner_text()


async def card_texts(page: Page, *, until: str, seconds: float = 20) -> list[str]:
    """Collect what the last message says as it changes, until it says `until`; else `TimeoutError`."""
    texts: list[str] = []
    deadline = time.monotonic() + seconds
    while not texts or until not in texts[-1]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the card never said {until!r}; it said {texts}")
        if (text := await card_text(page)) not in texts[-1:]:
            texts.append(text)
        await page.wait_for_timeout(50)
    return texts


async def press(page: Page, label: str) -> None:
    """Press a button of the last message."""
    await card(page).get_by_role("button", name=label, exact=True).click()


async def play(page: Page) -> float:
    """Play the last message's audio until it is heard to run; return its length in seconds."""
    player = card(page).locator(".audio-player")
    await expect(player.locator(".media-player-status")).to_be_empty()  # it says so while it loads
    await player.get_by_role("button", name="Play").click()
    await expect(player.locator(".media-player-time")).to_contain_text("0:01 /")
    duration: float = await player.locator("audio").evaluate("audio => audio.duration")
    return duration


async def take_picture(page: Page, path: Path) -> None:
    """Save what the window shows, with the last message in sight and its media loaded."""
    await card(page).evaluate("card => card.scrollIntoView({block: 'end'})")
    for status in await card(page).locator(".media-player-status").all():
        await expect(status).to_be_empty()
    for image in await card(page).locator("img").all():
        await expect(image).to_have_js_property("complete", value=True)
        await expect(image).not_to_have_js_property("naturalWidth", 0)
    await page.screenshot(path=path)
