"""The demo page, on a laptop and on a phone, when something breaks or is given what it shouldn't be."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from bot.demo.page import SAMPLES
from support import browser
from support.browser import (
    GIVEN,
    PATIENCE,
    Visit,
    break_something,
    card_texts,
    clone,
    open_column,
    play,
    press,
    type_command,
    visiting,
)
from support.reading import sentence

pytestmark = pytest.mark.browser


async def test_kill_in_the_middle_of_a_clone_is_watched_to_its_end(size: tuple[int, int]):
    async with visiting(size, clone_seconds=4) as visit:
        page = await visit.open()
        await type_command(page, "/clonevoice", GIVEN)
        await card_texts(page, until=re.compile(r"Cloning · 0:0[12]"))
        await break_something(page, "Kill the bot")
        await break_something(page, "Kill the bot")
        await open_column(page, "left")
        await expect(page.get_by_text("The bot is offline")).to_be_visible(timeout=PATIENCE)
        await expect(page.get_by_text("The bot is online")).to_be_visible(timeout=PATIENCE)
        await page.keyboard.press("Escape")
        await card_texts(page, until=sentence("voice.ready", title="Ada"))
        await expect(page.locator(".message")).to_have_count(2)
        told = page.locator(".story li")
        await expect(told.last).to_contain_text("Charged once · 1 voice", timeout=PATIENCE)
        story = "\n".join(await told.all_text_contents())
        order = ["Saved first: from here on", "You killed the bot", "A bot started", "Found the voice", "Delivered"]
        assert sorted(order, key=story.rindex) == order
        assert len(visit.demo.upstream.voices) == 1


async def test_fault_shows_how_long_it_lasts_and_can_be_ended(visit: Visit):
    page = await visit.open()
    await break_something(page, "Disk full")
    await open_column(page, "right")
    fault = page.locator(".faults").get_by_role("button", name="Disk full")
    await expect(fault).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)
    await expect(fault).to_contain_text(re.compile(r"\d+ s"))
    await page.keyboard.press("Escape")
    await type_command(page, "/clonevoice", GIVEN)
    await card_texts(page, until=sentence("store.unwritable")[:30])
    await break_something(page, "Disk full")
    await open_column(page, "right")
    await expect(fault).to_have_attribute("aria-pressed", "false", timeout=PATIENCE)
    await page.keyboard.press("Escape")
    await clone(page)


async def test_command_without_an_answer_says_so_and_keeps_what_was_filled_in(visit: Visit):
    page = await visit.open()
    await browser.begin_command(page, "/clonevoice")
    await page.get_by_label("title").fill("Ada")
    await page.get_by_label("rights").select_option(label="This is my own voice")
    await page.get_by_role("button", name="good-sample.mp3").click()
    await break_something(page, "Kill the bot")
    await page.keyboard.press("Escape") if await page.locator("body.open-right").count() else None
    await page.locator(".use").click()
    await expect(page.locator(".compose .failure")).to_have_text(
        "Clonevoice did not respond in time. Try again in a moment.", timeout=PATIENCE
    )
    await expect(page.get_by_label("title")).to_have_value("Ada")
    await page.locator(".use").click()
    await card_texts(page, until=sentence("voice.ready", title="Ada"))


async def test_file_of_30_mb_is_refused_and_one_with_a_hostile_name_is_not(visit: Visit):
    page = await visit.open()
    await browser.begin_command(page, "/clonevoice")
    large = page.locator("input[type=file]")
    await large.set_input_files({"name": "large.mp3", "mimeType": "audio/mpeg", "buffer": bytes(30 * 2**20)})
    await expect(page.locator(".compose .failure")).to_have_text(
        "That file is too large. Attach one of at most 25 MB.", timeout=PATIENCE
    )
    await page.get_by_role("button", name="Cancel").click()
    name = "../#?<img src=x onerror=alert(1)>%00.mp3"
    good = await asyncio.to_thread((SAMPLES / "good-sample.mp3").read_bytes)
    await clone(page, sample={"name": name, "mimeType": "audio/mpeg", "buffer": good})
    await large.set_input_files({"name": name, "mimeType": "audio/mpeg", "buffer": good})
    await expect(page.locator(".attached")).to_contain_text(name, timeout=PATIENCE)
    await page.get_by_role("combobox", name="Message").press("Enter")
    await card_texts(page, until=name)
    assert await play(page) == pytest.approx(13.8, abs=0.5)


async def test_dropped_file_fills_in_the_sample(visit: Visit):
    page = await visit.open()
    await browser.begin_command(page, "/clonevoice")
    await page.evaluate(
        """() => {
            const dropped = new DataTransfer();
            dropped.items.add(new File(["no sound"], "mine.mp3"));
            dispatchEvent(new DragEvent("drop", {dataTransfer: dropped}));
        }"""
    )
    await expect(page.get_by_label("sample", exact=True)).to_contain_text("mine.mp3", timeout=PATIENCE)


async def test_two_pages_press_the_same_button_at_once(visit: Visit):
    pages = [await visit.open(), await visit.open()]
    await clone(pages[0])
    await card_texts(pages[1], until=sentence("voice.ready", title="Ada"))
    await asyncio.gather(*(press(page, sentence("button.share")) for page in pages))
    for page in pages:
        await expect(page.get_by_text(sentence("shared.here")).first).to_be_visible(timeout=PATIENCE)
    await type_command(pages[0], "/voices community")
    await card_texts(pages[0], until=sentence("community.title", voices=1))


async def test_reload_in_every_stage_shows_the_same_card(size: tuple[int, int]):
    async with visiting(size, clone_seconds=4) as visit:
        page = await visit.open()
        await type_command(page, "/clonevoice", GIVEN)
        for stage in ("Sending to Mureka", "Cloning", sentence("voice.ready", title="Ada")):
            await card_texts(page, until=stage)
            await page.reload()
            await card_texts(page, until=re.compile("Sending to Mureka|Cloning|ready"))
        await expect(page.locator(".message")).to_have_count(2)


async def test_page_left_open_overnight_still_works(visit: Visit):
    page = await visit.open()
    await clone(page)
    visit.demo.server.advance(9 * 60 * 60)
    await press(page, sentence("button.rename"))
    await browser.fill_form(page, {sentence("rename.title"): "Morning"})
    await card_texts(page, until=sentence("voice.title", title="Morning"))
