"""Takes the README's pictures of the demo page: `make pictures`."""

import asyncio
import re
from pathlib import Path

from playwright.async_api import Page, async_playwright

from bot.demo.demo import SAMPLES, running_demo
from support.browser import (
    Answer,
    Picked,
    card_texts,
    choose,
    look_as,
    open_page,
    press,
    take_picture,
    type_command,
)

HERE = Path(__file__).parent
TITLE = "Ada's reading voice"


async def main() -> None:
    """Take pictures of a running and a finished clone, a clip, a case, the rules and a consent request."""
    async with running_demo() as demo, async_playwright() as playwright:
        page = await open_page(playwright, demo.url)
        await page.set_viewport_size({"width": 1000, "height": 900})
        await clone(page)
        await speak(page)
        await moderate(page)
        await ask(page)


async def clone(page: Page) -> None:
    """Clone the good sample as Ada, and share the voice."""
    options = {"sample": SAMPLES / "good-sample.mp3", "title": TITLE, "rights": "This is my own voice"}
    await type_command(page, "/clonevoice", options)
    await card_texts(page, until=re.compile("Cloning · 0:0[345]"))  # the card is edited every two seconds
    await take_picture(page, HERE / "demo-progress.png")
    await card_texts(page, until="English")
    await take_picture(page, HERE / "demo-voice.png")
    await press(page, "Share here")
    await card_texts(page, until="shared here")


async def speak(page: Page) -> None:
    """Speak with Ada's voice as Grace."""
    await look_as(page, "Grace")
    voice = Picked(f"{TITLE} (shared by Ada)", typed="reading")
    text = "The kettle is on. Bring the good cups, and whoever is still in the garden."
    await type_command(page, "/speak", {"voice": voice, "text": text})
    await card_texts(page, until="AI-generated with the voice")
    await take_picture(page, HERE / "demo-speak.png")


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
    await take_picture(page, HERE / "demo-case.png")
    await type_command(page, "/voiceadmin settings", {})
    await card_texts(page, until="Voice settings")
    await take_picture(page, HERE / "demo-moderation.png")


async def ask(page: Page) -> None:
    """Clone Grace's voice as Ada, and open the request as Grace."""
    await look_as(page, "Ada")
    options: dict[str, Answer] = {
        "sample": SAMPLES / "good-sample.mp3",
        "title": "Grace, reading",
        "rights": "I have the speaker's permission",
        "speaker": Picked("Grace", typed="grace"),
    }
    await type_command(page, "/clonevoice", options)
    await card_texts(page, until="you have a request")
    await look_as(page, "Grace")
    await press(page, "Open request")
    await card_texts(page, until="Someone wants to clone your voice")
    await take_picture(page, HERE / "demo-consent.png")


asyncio.run(main())
