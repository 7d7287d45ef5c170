"""The demo page in a browser, on a laptop and on a phone: what visitors do, and what they see."""

import asyncio
import re
from collections.abc import AsyncGenerator

import pytest
from playwright.async_api import Page, expect

from bot.demo.page import SAMPLES
from support import browser
from support.browser import (
    NARROW,
    PATIENCE,
    WIDE,
    Answer,
    Picked,
    Visit,
    break_something,
    card,
    card_texts,
    choose,
    go_to,
    look_as,
    open_column,
    play,
    press,
    type_command,
    visiting,
)
from support.reading import sentence

pytestmark = pytest.mark.browser

GIVEN: dict[str, Answer] = {"sample": SAMPLES / "good-sample.mp3", "title": "Ada", "rights": "This is my own voice"}


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return request.param


@pytest.fixture
async def visit(size: tuple[int, int]) -> AsyncGenerator[Visit]:
    async with visiting(size, clone_seconds=0.5, speech_seconds=1) as visit:
        yield visit


async def clone(page: Page, title: str = "Ada", **options: Answer) -> None:
    await type_command(page, "/clonevoice", GIVEN | {"title": title} | options)
    await card_texts(page, until=sentence("voice.ready", title=title))


async def share(page: Page, title: str = "Countess") -> Picked:
    """Clone and share a voice as Ada; return the voice among the choices of others."""
    await clone(page, title)
    await press(page, sentence("button.share"))
    await card_texts(page, until=sentence("shared.here"))
    return Picked(sentence("choice.shared", title=title, owner="Ada"), typed=title[:5].lower())


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


async def test_everything_can_be_done_with_the_keyboard(visit: Visit):
    page = await visit.open()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the message box")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.type("/clonev")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("sample", exact=True)).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    while not await page.get_by_role("button", name="good-sample.mp3").evaluate("chip => chip.matches(':focus')"):
        await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.type("Ada")
    await page.keyboard.press("Enter")
    await page.keyboard.type("This is my")
    await page.keyboard.press("Enter")
    await card_texts(page, until=sentence("voice.ready", title="Ada"))
    rename = card(page).get_by_role("button", name=sentence("button.rename"))
    await rename.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible(timeout=PATIENCE)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


UNNAMED = """() => [...document.querySelectorAll("button, a, input, select, textarea, audio, img, [role=option]")]
    .filter(each => each.checkVisibility() && !(each.ariaLabel || each.textContent.trim() || each.labels?.length
        || each.getAttribute("alt") !== null))
    .map(each => each.outerHTML)"""

FADED = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const channels = color => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const backdrop = each => {
        for (let at = each; at; at = at.parentElement) {
            const color = channels(getComputedStyle(at).backgroundColor);
            if (color[3] > 250) return color;
        }
    };
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
    const contrast = each => {
        const [one, other] = [channels(getComputedStyle(each).color), backdrop(each)].map(light);
        return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    };
    return [...document.querySelectorAll("body *")]
        .filter(each => each.checkVisibility() && !each.matches(":disabled, audio")
            && [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
        .filter(each => contrast(each) < 4.5)
        .map(each => `${contrast(each).toFixed(1)} ${each.outerHTML.slice(0, 200)}`);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_controls_have_names_texts_have_contrast_and_nothing_is_cut_off(visit: Visit, scheme: str):
    page = await visit.open(color_scheme=scheme, reduced_motion="reduce")
    await clone(page)
    await type_command(page, "/voices list")
    await card_texts(page, until=sentence("list.title", voices=1))
    await browser.begin_command(page, "/clonevoice")
    for side in ("left", "right"):
        await open_column(page, side)
        assert await page.evaluate(UNNAMED) == []
        assert await page.evaluate(FADED) == []
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.locator("#log").evaluate("log => log.scrollWidth <= log.clientWidth")
