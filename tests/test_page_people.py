"""The demo page, on a laptop and on a phone: its people, their channels and their direct messages."""

import pytest
from playwright.async_api import expect

from support import browser
from support.browser import (
    GIVEN,
    PATIENCE,
    Picked,
    Visit,
    card,
    card_texts,
    choose,
    clone,
    go_to,
    look_as,
    open_column,
    play,
    press,
    type_command,
)
from support.reading import sentence

pytestmark = pytest.mark.browser


async def test_speaker_gets_a_direct_message_listens_and_approves(visit: Visit):
    page = await visit.open()
    given = GIVEN | {"title": "Grace by Ada", "rights": sentence("rights.permission"), "speaker": "Grace"}
    await type_command(page, "/clonevoice", given)
    await open_column(page, "left")
    await expect(page.get_by_role("link", name="Grace").locator(".badge")).to_have_text("1", timeout=PATIENCE)
    await look_as(page, "Grace")
    await go_to(page, "Direct messages")
    await expect(page.locator(".people .badge")).to_have_count(0, timeout=PATIENCE)
    await press(page, sentence("button.open"))
    await card_texts(page, until=sentence("consent.title"))
    assert await play(page) == pytest.approx(13.8, abs=0.5)
    await press(page, sentence("button.approve"))
    await card_texts(page, until=sentence("consent.given", title="Grace by Ada"))
    await look_as(page, "Ada")
    await go_to(page, "studio")
    await card_texts(page, until=sentence("voice.ready", title="Grace by Ada"))


async def test_two_pages_look_through_two_people_at_once(visit: Visit):
    ada, grace = await visit.open(), await visit.open("#grace/studio")
    await clone(ada)
    assert sentence("voice.ready", title="Ada") not in await grace.locator("#log").inner_text(), "it is Ada's alone"
    await type_command(grace, "/voices list")
    await card_texts(grace, until="You don't have any voices yet")
    assert "You don't have any voices yet" not in await ada.locator("#log").inner_text()


async def test_only_the_moderator_sees_the_log_and_the_commands_of_moderators(visit: Visit):
    page = await visit.open()
    assert "/voiceadmin settings" not in await browser.offered(page)
    await expect(page.locator(".channels a")).to_have_count(2)
    await page.goto(visit.demo.url + "#ada/mod-log")
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("studio", timeout=PATIENCE)
    await look_as(page, "Hedy")
    assert "/voiceadmin settings" in await browser.offered(page)
    await expect(page.locator(".channels a")).to_have_count(3)


async def test_voice_is_cloned_from_a_message_and_reported_to_a_moderator(visit: Visit):
    page = await visit.open()
    await card(page).get_by_role("button", name="Commands for this message").click()
    await page.get_by_role("option", name=sentence("clonevoice.menu")).click()
    await browser.fill_form(
        page, {sentence("form.title"): "Story hour", sentence("form.rights"): "This is my own voice"}
    )
    await card_texts(page, until=sentence("voice.ready", title="Story hour"))
    await press(page, sentence("button.share"))
    await card_texts(page, until=sentence("shared.here"))

    await look_as(page, "Grace")
    shared = Picked(sentence("choice.shared", title="Story hour", owner="Ada"), typed="story")
    await type_command(page, "/voices show", {"voice": shared})
    await press(page, sentence("button.report"))
    await card_texts(page, until="Why are you reporting")
    await choose(page, sentence("report.reason.impersonation"))
    await card_texts(page, until=sentence("report.thanks"))
    await look_as(page, "Hedy")
    await go_to(page, "mod-log")
    await card_texts(page, until=sentence("case.title", title="Story hour"))
    assert await play(page) == pytest.approx(13.8, abs=0.5)
    await press(page, sentence("button.case.remove"))
    await browser.fill_form(page, {sentence("verdict.reason", name="Ada"): "Grace did not agree"})
    await expect(page.get_by_text(sentence("case.done.remove", title="Story hour"))).to_be_visible(timeout=PATIENCE)
