"""The demo: the program as a visitor starts it, and its page as a visitor uses it."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from bot.demo.stage import SAMPLES, running_demo
from browser import (
    Picked,
    card,
    card_text,
    card_texts,
    choose,
    fill_form,
    look_as,
    offered,
    open_page,
    play,
    press,
    type_command,
)
from conftest import sentence

ROOT = Path(__file__).parent.parent


async def clone(page: Page, title: str) -> None:
    """Clone the good sample, and wait for the voice's card."""
    options = {"sample": SAMPLES / "good-sample.mp3", "title": title, "rights": "This is my own voice"}
    await type_command(page, "/clonevoice", options)
    await card_texts(page, until=sentence("voice.title", title=title))


def test_the_program_prints_an_address_where_the_page_is_and_ends_on_ctrl_c(tmp_path: Path):
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.defpath, "TMPDIR": str(tmp_path), "BROWSER": "true"}
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "bot", "demo"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        printed = iter(process.stdout.readline, "")
        url = next(found[0] for line in printed if (found := re.search(r"http://127\.0\.0\.1:\d+/", line)))
        with urllib.request.urlopen(url) as answer:
            assert b"<html" in answer.read()
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=20)
        assert process.returncode == 0, rest + complaints
        assert complaints == ""
    assert list(tmp_path.iterdir()) == [], "the demo leaves nothing behind"


@pytest.mark.browser
async def test_a_visitor_sees_a_clone_go_through_its_stages_to_a_voice_that_plays():
    async with running_demo(clone_seconds=5) as stage, async_playwright() as playwright:
        page = await open_page(playwright, stage.url)
        await type_command(
            page,
            "/clonevoice",
            {"sample": SAMPLES / "good-sample.mp3", "title": "Ada", "rights": "This is my own voice"},
        )
        texts = await card_texts(page, until="English")
        seen = "\n".join(texts)
        assert "Uploading" in seen
        assert len({*re.findall(r"Uploading (\d+) %", seen)}) >= 2, "the upload's bar moves"
        assert len({*re.findall(r"Cloning (\d:\d\d) of about 0:06", seen)}) >= 2, "the time runs"
        assert "can't be recalled" in seen
        assert await play(page) == pytest.approx(13.8, abs=0.5)

        await type_command(
            page,
            "/clonevoice",
            {"sample": SAMPLES / "good-sample.mp3", "title": "ADA", "rights": "This is my own voice"},
        )
        await card_texts(page, until=sentence("refused.title_taken", title="ADA"))


@pytest.mark.browser
@pytest.mark.parametrize(
    ("sample", "said"),
    [("too-short.mp3", "at least 3 s are needed"), ("not-really-an-mp3.mp3", "is WAV, not MP3")],
)
async def test_a_bad_sample_is_refused_on_the_page(sample: str, said: str):
    async with running_demo() as stage, async_playwright() as playwright:
        page = await open_page(playwright, stage.url)
        options = {"sample": SAMPLES / sample, "title": "Ada", "rights": "This is my own voice"}
        await type_command(page, "/clonevoice", options)
        await card_texts(page, until=said)


@pytest.mark.browser
async def test_a_sample_of_unusual_length_is_cloned_at_the_press_of_a_button():
    async with running_demo(clone_seconds=0.5) as stage, async_playwright() as playwright:
        page = await open_page(playwright, stage.url)
        options = {
            "sample": SAMPLES / "outside-recommended.mp3",
            "title": "Ada",
            "rights": "I have the speaker's permission",
        }
        await type_command(page, "/clonevoice", options)
        await card_texts(page, until=sentence("button.anyway"))
        await press(page, sentence("button.anyway"))
        await card_texts(page, until="English")
        assert await card(page).locator(".audio-player").count() == 1


@pytest.mark.browser
async def test_a_shared_voice_speaks_in_public_for_another_member():
    async with running_demo(clone_seconds=0.5, speech_seconds=2) as stage, async_playwright() as playwright:
        page = await open_page(playwright, stage.url)
        await clone(page, "Countess")
        await press(page, sentence("button.share"))
        await card_texts(page, until=sentence("shared.here"))

        await look_as(page, "Grace")
        assert "Only you can see this" not in await card_text(page)
        shared = sentence("choice.shared", title="Countess", owner="Ada")
        await type_command(page, "/speak", {"voice": Picked(shared, typed="count"), "text": "Hello there"})
        texts = await card_texts(page, until=sentence("line.synthetic", title="Countess"))
        assert len({*re.findall(r"Speaking (\d:\d\d) of about 0:04", "\n".join(texts))}) >= 2, "the time runs"
        assert "Hello there" in texts[-1]
        assert await play(page) == pytest.approx(13.8, abs=0.5)

        await look_as(page, "Hedy")
        assert "Hello there" in await card_text(page), "everybody there sees it"


@pytest.mark.browser
async def test_a_voice_is_opened_from_the_list_and_renamed():
    async with running_demo(clone_seconds=0.5) as stage, async_playwright() as playwright:
        page = await open_page(playwright, stage.url)
        await clone(page, "Ada")
        await type_command(page, "/voices list")
        await card_texts(page, until=sentence("list.title", voices=1))
        await choose(page, "Ada")
        await card_texts(page, until=sentence("button.rename"))
        await press(page, sentence("button.rename"))
        await fill_form(page, {sentence("rename.title"): "Countess"})
        await card_texts(page, until=sentence("voice.title", title="Countess"))


@pytest.mark.browser
async def test_a_deletion_is_asked_about_and_done():
    async with running_demo(clone_seconds=0.5) as stage, async_playwright() as playwright:
        page = await open_page(playwright, stage.url)
        await clone(page, "Ada")
        await press(page, sentence("button.delete"))
        await card_texts(page, until=sentence("delete.ask", title="Ada"))
        await press(page, sentence("button.keep"))
        await card_texts(page, until=sentence("button.share"))
        await press(page, sentence("button.delete"))
        await press(page, sentence("button.gone"))
        await card_texts(page, until=sentence("delete.done", title="Ada"))
        await type_command(page, "/voices list")
        await card_texts(page, until="You have no voices yet")


@pytest.mark.browser
async def test_a_speaker_is_asked_listens_and_approves():
    async with running_demo(clone_seconds=0.5) as stage, async_playwright() as playwright:
        page = await open_page(playwright, stage.url)
        options = {
            "sample": SAMPLES / "good-sample.mp3",
            "title": "Grace by Ada",
            "rights": "I have the speaker's permission",
            "speaker": Picked("Grace", typed="grace"),
        }
        await type_command(page, "/clonevoice", options)
        await card_texts(page, until="somebody has a question for you")
        await look_as(page, "Grace")
        await press(page, sentence("button.open"))
        await card_texts(page, until=sentence("consent.title"))
        assert await play(page) == pytest.approx(13.8, abs=0.5)
        await press(page, sentence("button.approve"))
        await card_texts(page, until=sentence("consent.given", title="Grace by Ada"))
        await look_as(page, "Ada")
        await expect(page.get_by_text(sentence("voice.speaker"))).to_be_visible()


@pytest.mark.browser
async def test_a_report_becomes_a_case_that_the_moderator_decides():
    async with running_demo(clone_seconds=0.5) as stage, async_playwright() as playwright:
        page = await open_page(playwright, stage.url)
        await clone(page, "Countess")
        await press(page, sentence("button.share"))
        await card_texts(page, until=sentence("shared.here"))
        await look_as(page, "Grace")
        shared = sentence("choice.shared", title="Countess", owner="Ada")
        await type_command(page, "/voices show", {"voice": Picked(shared, typed="count")})
        await press(page, sentence("button.report"))
        await card_texts(page, until="Why do you report")
        await choose(page, sentence("report.reason.impersonation"))
        await card_texts(page, until=sentence("report.thanks"))
        await look_as(page, "Hedy")
        await type_command(page, "/voiceadmin reports")
        await card_texts(page, until=sentence("moderators.reports", rows=1))
        await choose(page, "Countess")
        await card_texts(page, until=sentence("case.title", title="Countess"))
        assert await play(page) == pytest.approx(13.8, abs=0.5)
        await press(page, sentence("button.case.remove"))
        await fill_form(page, {sentence("verdict.reason", name="Ada"): "Grace did not agree"})
        await card_texts(page, until=sentence("case.done.remove", title="Countess"))


@pytest.mark.browser
async def test_only_the_moderator_is_offered_what_moderators_do():
    async with running_demo() as stage, async_playwright() as playwright:
        page = await open_page(playwright, stage.url)
        assert "/voiceadmin settings" not in await offered(page)
        await look_as(page, "Hedy")
        assert "/voiceadmin settings" in await offered(page)
