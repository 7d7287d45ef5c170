"""Takes the README's pictures of the demo page: `make pictures`."""

import asyncio
import re
from pathlib import Path

from playwright.async_api import Page, async_playwright

from bot.demo.stage import SAMPLES, staged
from browser import Picked, card_texts, look_as, open_page, press, take_picture, type_command

HERE = Path(__file__).parent
TITLE = "Ada's reading voice"


async def main() -> None:
    """Take a clone in the middle and at its end, its voice as it speaks for somebody else, and the rules."""
    async with staged() as stage, async_playwright() as playwright:
        page = await open_page(playwright, stage.url)
        await page.set_viewport_size({"width": 1000, "height": 800})
        await clone(page)
        await speak(page)
        await moderate(page)


async def clone(page: Page) -> None:
    """Clone the good sample as Ada, and share the voice."""
    options = {"sample": SAMPLES / "good-sample.mp3", "title": TITLE, "rights": "This is my own voice"}
    await type_command(page, "/clonevoice", options)
    await card_texts(page, until=re.compile("Cloning 0:0[345]"))  # an edit comes every other second
    await take_picture(page, HERE / "demo-progress.png")
    await card_texts(page, until="English")
    await take_picture(page, HERE / "demo-voice.png")
    await press(page, "Share here")
    await card_texts(page, until="In this server")


async def speak(page: Page) -> None:
    """Have Grace speak with Ada's voice."""
    await look_as(page, "Grace")
    voice = Picked(f"{TITLE} (shared by Ada)", typed="reading")
    text = "The kettle is on. Bring the good cups, and whoever is still in the garden."
    await type_command(page, "/speak", {"voice": voice, "text": text})
    await card_texts(page, until="Synthetic voice")
    await take_picture(page, HERE / "demo-speak.png")


async def moderate(page: Page) -> None:
    """Have Hedy look at the rules."""
    await look_as(page, "Hedy")
    await type_command(page, "/voicemod settings", {})
    await card_texts(page, until="Rules for voices")
    await take_picture(page, HERE / "demo-moderation.png")


asyncio.run(main())
