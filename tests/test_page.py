"""The demo page, on a laptop and on a phone: messages, commands, options, buttons and selects."""

import re

import pytest
from playwright.async_api import expect

from bot.demo.page import SAMPLES
from support import browser
from support.browser import (
    GIVEN,
    PATIENCE,
    Visit,
    card,
    card_texts,
    choose,
    clone,
    look_as,
    play,
    press,
    share,
    type_command,
    visiting,
)
from support.reading import sentence

pytestmark = pytest.mark.browser


async def test_page_is_clonevoices_own_and_guides_a_visitor_to_a_voice_that_plays(size: tuple[int, int]):
    async with visiting(size, clone_seconds=5) as visit:
        page = await visit.open()
        await expect(page).to_have_title("Ada · Clonevoice")
        assert "simcord" not in (await page.content()).lower()
        await page.get_by_role("button", name="good-sample.mp3").click()
        await page.keyboard.type("Ada")
        await page.keyboard.press("Enter")
        await page.get_by_label("rights").select_option(label="This is my own voice")
        await page.keyboard.press("Enter")
        seen = "\n".join(await card_texts(page, until=sentence("voice.ready", title="Ada")))
        assert len({*re.findall(r"Sending to Mureka · (\d+)%", seen)}) >= 2, "the upload's bar moves"
        assert len({*re.findall(r"Cloning · (\d:\d\d) of about 0:06", seen)}) >= 2, "the time runs"
        assert await play(page) == pytest.approx(13.8, abs=0.5)
        await expect(page.locator(".story li").last).to_contain_text("Charged once · 1 voice", timeout=PATIENCE)

        await type_command(page, "/clonevoice", GIVEN | {"title": "ADA"})
        await card_texts(page, until=sentence("refused.title_taken", title="ADA"))


async def test_page_opens_at_the_newest_of_300_messages_and_follows_unless_one_reads_above(visit: Visit):
    ada, studio = visit.demo.server.people["ada"], visit.demo.server.studio.id
    for number in range(300):
        visit.demo.acts.post(ada, studio, f"Message {number}")
    page = await visit.open()
    await expect(page.get_by_text("Message 299")).to_be_in_viewport(timeout=PATIENCE)
    visit.demo.acts.post(ada, studio, "One more")
    await expect(page.get_by_text("One more")).to_be_in_viewport(timeout=PATIENCE)

    await page.locator("#log").evaluate("log => log.scrollTop = 0")
    await expect(page.get_by_text("Message 0", exact=True)).to_be_in_viewport(timeout=PATIENCE)
    visit.demo.acts.post(ada, studio, "The last one")
    await expect(page.get_by_role("button", name="New messages")).to_be_visible(timeout=PATIENCE)
    await expect(page.get_by_text("Message 0", exact=True)).to_be_in_viewport(timeout=PATIENCE)
    await page.get_by_role("button", name="New messages").click()
    await expect(page.get_by_text("The last one")).to_be_in_viewport(timeout=PATIENCE)


async def test_enter_sends_and_shift_enter_does_not(visit: Visit):
    page = await visit.open()
    await page.get_by_role("combobox", name="Message").click()
    await page.keyboard.type("Good **morning**")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("<script>alert(1)</script> everyone")
    await page.keyboard.press("Enter")
    await card_texts(page, until="Good morning\n<script>alert(1)</script> everyone")
    await expect(card(page).locator("strong")).to_have_text("morning")


async def test_options_are_completed_by_names_and_the_bot_gets_values(visit: Visit):
    page = await visit.open()
    await browser.begin_command(page, "/clonevoice")
    rights = page.get_by_label("rights")
    assert await rights.locator("option").all_inner_texts() == [
        "Choose",
        *(sentence(f"rights.{each}") for each in ("own", "permission")),
    ]
    await page.get_by_role("button", name="+ speaker").click()
    await expect(page.get_by_label("speaker")).to_be_focused()
    assert "Grace" in await page.get_by_label("speaker").inner_text()
    await page.keyboard.press("Escape")

    shared = await share(page)
    await look_as(page, "Grace")
    await browser.begin_command(page, "/speak")
    field = page.get_by_label("voice", exact=True)
    await field.fill("nothing like it")
    await expect(page.get_by_text("Nothing matches.")).to_be_visible(timeout=PATIENCE)
    await field.fill(shared.typed)
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("option", name=shared.choice)).to_be_visible(timeout=PATIENCE)
    await page.keyboard.press("Enter")
    await expect(field).to_have_value(shared.choice)
    await page.get_by_role("button", name="+ text").click()
    await page.keyboard.type("Hello there")
    await page.keyboard.press("Enter")
    await card_texts(page, until=sentence("line.synthetic", title="Countess"))
    assert "Hello there" in await browser.card_text(page)
    assert await play(page) == pytest.approx(13.8, abs=0.5)
    await look_as(page, "Hedy")
    assert "Hello there" in await browser.card_text(page), "all members see the clip"


@pytest.mark.parametrize(
    ("sample", "said"), [("too-short.mp3", "It needs at least 3 s"), ("not-audio.mp3", "That file has no audio")]
)
async def test_ready_made_bad_samples_are_refused(visit: Visit, sample: str, said: str):
    page = await visit.open()
    await page.get_by_role("button", name=sample).click()
    await page.keyboard.type("Ada")
    await page.get_by_label("rights").select_option(label="This is my own voice")
    await page.keyboard.press("Enter")
    await card_texts(page, until=said)
    await expect(page.locator(".story li").last).to_contain_text("Nothing charged", timeout=PATIENCE)


async def test_short_sample_is_cloned_once_confirmed(visit: Visit):
    page = await visit.open()
    await type_command(page, "/clonevoice", GIVEN | {"sample": SAMPLES / "short.mp3"})
    await card_texts(page, until=sentence("button.anyway"))
    await press(page, sentence("button.anyway"))
    await card_texts(page, until=sentence("voice.ready", title="Ada"))
    await expect(card(page).locator("audio")).to_have_count(1)


async def test_voice_is_opened_from_the_list_renamed_and_deleted(visit: Visit):
    page = await visit.open()
    await clone(page)
    await type_command(page, "/voices list")
    await card_texts(page, until=sentence("list.title", voices=1))
    await choose(page, "Ada")
    await card_texts(page, until=sentence("button.rename"))
    await press(page, sentence("button.rename"))
    await expect(page.get_by_role("dialog").get_by_label(sentence("rename.title"))).to_have_value("Ada")
    await browser.fill_form(page, {sentence("rename.title"): "Countess"})
    await card_texts(page, until=sentence("voice.title", title="Countess"))
    await press(page, sentence("button.delete"))
    await card_texts(page, until=sentence("delete.ask", title="Countess"))
    await press(page, sentence("button.keep"))
    await card_texts(page, until=sentence("button.share"))
    await press(page, sentence("button.delete"))
    await press(page, sentence("button.gone"))
    await card_texts(page, until=sentence("delete.done", title="Countess"))


async def test_selects_of_the_settings_show_what_is_chosen(visit: Visit):
    page = await visit.open("#hedy/studio")
    await type_command(page, "/voiceadmin settings")
    await card_texts(page, until=sentence("panel.title"))
    await card(page).get_by_role("button", name=sentence("button.change")).last.click()
    chosen = card(page).locator(".select").filter(has_text="Moderator")
    await expect(chosen).to_be_visible(timeout=PATIENCE)
    await page.reload()
    await expect(chosen).to_be_visible(timeout=PATIENCE)
