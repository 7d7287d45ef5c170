"""Takes the pictures in docs/ from the demo page: `make pictures`."""

import asyncio
import io
import re
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from PIL import Image
from playwright.async_api import Page, expect

from bot.demo.page import SAMPLES
from support.browser import (
    NARROW,
    WIDE,
    Answer,
    Picked,
    break_something,
    card_texts,
    choose,
    go_to,
    look_as,
    press,
    take_picture,
    type_command,
    visiting,
)

PICTURES = Path(__file__).with_name("pictures")

TITLE = "Ada's reading voice"
CLONE: dict[str, Answer] = {
    "sample": SAMPLES / "good-sample.mp3",
    "title": TITLE,
    "rights": "This is my own voice",
}

LAST_SECONDS = 4.0  # how long the moving picture shows its end
COLORS = 192


async def main() -> None:
    """Take a moving picture of a clone with a kill, and pictures of each card and of the page."""
    PICTURES.mkdir(exist_ok=True)
    await film()
    async with visiting(WIDE) as visit:
        page = await visit.open()
        await page.set_viewport_size({"width": 1000, "height": 1100})
        await clone(page)
        await speak(page)
        await moderate(page)
        await ask(page)
    for size, name in ((WIDE, "page-wide"), (NARROW, "page-narrow")):
        async with visiting(size) as visit:
            page = await visit.open()
            await type_command(page, "/clonevoice", CLONE)
            await card_texts(page, until="is ready")
            await expect(page.locator(".story li").last).to_contain_text("Charged once")
            await page.keyboard.press("Escape")
            await picture(page, name, whole=True)


async def picture(page: Page, name: str, *, whole: bool = False) -> None:
    """Take a picture of the last message, or of the whole page, in light and in dark colors."""
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await take_picture(page, PICTURES / f"{name}-{scheme}.png", whole=whole)


async def film() -> None:
    """Film a clone during which the bot is killed."""
    frames: list[tuple[float, Image.Image]] = []
    async with visiting((1080, 640)) as visit:
        page = await visit.open(color_scheme="dark")
        filming = asyncio.create_task(_film(page, frames))
        await type_command(page, "/clonevoice", CLONE)
        await card_texts(page, until=re.compile("Cloning · 0:0[345]"))
        await break_something(page, "Kill the bot")
        await card_texts(page, until="is ready")
        await expect(page.locator(".story li").last).to_contain_text("Charged once")
        filming.cancel()
        with suppress(asyncio.CancelledError):
            await filming
        frames.append((time.monotonic(), await _frame(page)))
    times = [at for at, _ in frames]
    durations = [end - begin for begin, end in pairwise(times)] + [LAST_SECONDS]
    shown = _reduce([frame for _, frame in frames])
    shown[0].save(
        PICTURES / "clone-with-a-kill.gif",
        save_all=True,
        append_images=shown[1:],
        duration=[int(1000 * seconds) for seconds in durations],
        loop=0,
    )


async def _film(page: Page, frames: list[tuple[float, Image.Image]]) -> None:
    while True:
        frames.append((time.monotonic(), await _frame(page)))


def _reduce(frames: list[Image.Image]) -> list[Image.Image]:
    """Give all frames the colors that the first, the middle and the last one have."""
    width, height = frames[0].size
    sheet = Image.new("RGB", (width, 3 * height))
    for number, frame in enumerate((frames[0], frames[len(frames) // 2], frames[-1])):
        sheet.paste(frame, (0, number * height))
    colors = sheet.quantize(COLORS)
    return [frame.quantize(palette=colors, dither=Image.Dither.NONE) for frame in frames]


async def _frame(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(await page.screenshot())).convert("RGB")


async def clone(page: Page) -> None:
    """Clone samples as Ada, and share a voice."""
    await type_command(page, "/clonevoice", {**CLONE, "sample": SAMPLES / "short.mp3", "title": "Ada, in short"})
    await card_texts(page, until="Clone anyway")
    await picture(page, "question")
    await press(page, "Cancel")
    await card_texts(page, until="Canceled")
    await type_command(page, "/clonevoice", CLONE)
    await card_texts(page, until=re.compile("Cloning · 0:0[345]"))
    await picture(page, "progress")
    await card_texts(page, until="is ready")
    await picture(page, "voice")
    await press(page, "Share here")
    await card_texts(page, until="shared here")
    await type_command(page, "/voices list")
    await card_texts(page, until="Your voices")
    await picture(page, "list")


async def speak(page: Page) -> None:
    """Speak with Ada's voice as Grace."""
    await look_as(page, "Grace")
    voice = Picked(f"{TITLE} (shared by Ada)", typed="reading")
    text = "The kettle is on. Bring the good cups, and whoever is still in the garden."
    await type_command(page, "/speak", {"voice": voice, "text": text})
    await card_texts(page, until="AI-generated with the voice")
    await picture(page, "clip")


async def moderate(page: Page) -> None:
    """Report the clip as Grace, and open the case and the rules as Hedy."""
    await press(page, "Report")
    await card_texts(page, until="Why are you reporting")
    await choose(page, "Harasses or mocks someone")
    await card_texts(page, until="Thanks")
    await look_as(page, "Hedy")
    await type_command(page, "/voiceadmin reports", {})
    await card_texts(page, until="Open reports")
    await choose(page, TITLE)
    await card_texts(page, until="Waiting for a decision")
    await picture(page, "case")
    await type_command(page, "/voiceadmin settings", {})
    await card_texts(page, until="Voice settings")
    await picture(page, "settings")


async def ask(page: Page) -> None:
    """Clone Grace's voice as Ada, and open the request as Grace."""
    await look_as(page, "Ada")
    options = {**CLONE, "title": "Grace, reading", "rights": "I have the speaker's permission", "speaker": "Grace"}
    await type_command(page, "/clonevoice", options)
    await look_as(page, "Grace")
    await go_to(page, "Direct messages")
    await press(page, "Open request")
    await card_texts(page, until="Someone wants to clone your voice")
    await picture(page, "consent")


asyncio.run(main())
