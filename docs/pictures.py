"""Takes the README's pictures of the demo page: `make pictures`."""

import asyncio
from pathlib import Path

from playwright.async_api import async_playwright

from bot.demo.stage import SAMPLES, staged
from browser import card_texts, open_page, take_picture, type_command

HERE = Path(__file__).parent


async def main() -> None:
    """Clone the good sample, once in the middle and once at the end."""
    async with staged() as stage, async_playwright() as playwright:
        page = await open_page(playwright, stage.url)
        await page.set_viewport_size({"width": 1000, "height": 800})
        options = {
            "sample": SAMPLES / "good-sample.mp3",
            "title": "Ada's reading voice",
            "rights": "This is my own voice",
        }
        await type_command(page, "/clonevoice", options)
        await card_texts(page, until="Cloning 0:04")
        await take_picture(page, HERE / "demo-progress.png")
        await card_texts(page, until="English")
        await take_picture(page, HERE / "demo-voice.png")


asyncio.run(main())
