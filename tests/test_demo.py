"""The demo: the program as a visitor starts it, and its page as a visitor uses it."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from bot.demo.stage import SAMPLES, staged
from browser import card, card_texts, open_page, play, press, type_command
from conftest import sentence

ROOT = Path(__file__).parent.parent


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
    async with staged(clone_seconds=5) as stage, async_playwright() as playwright:
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
    async with staged() as stage, async_playwright() as playwright:
        page = await open_page(playwright, stage.url)
        options = {"sample": SAMPLES / sample, "title": "Ada", "rights": "This is my own voice"}
        await type_command(page, "/clonevoice", options)
        await card_texts(page, until=said)


@pytest.mark.browser
async def test_a_sample_of_unusual_length_is_cloned_at_the_press_of_a_button():
    async with staged(clone_seconds=0.5) as stage, async_playwright() as playwright:
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
