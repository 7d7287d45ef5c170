"""The demo: its program, and its page in a browser."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from bot.demo.demo import SAMPLES, running_demo
from support import browser
from support.browser import Answer, Picked, card_texts, choose, look_as, play, press, type_command
from support.clocks import PATIENCE
from support.reading import sentence

ROOT = Path(__file__).parent.parent


GIVEN: dict[str, Answer] = {"sample": SAMPLES / "good-sample.mp3", "title": "Ada", "rights": "This is my own voice"}


@asynccontextmanager
async def demo_page(**options: Any) -> AsyncGenerator[Page]:
    async with running_demo(**options) as stage, async_playwright() as playwright:
        yield await browser.open_page(playwright, stage.url)


async def clone(page: Page, title: str) -> None:
    await type_command(page, "/clonevoice", GIVEN | {"title": title})
    await card_texts(page, until=sentence("voice.ready", title=title))


async def share(page: Page, title: str) -> Picked:
    """Clone and share a voice as Ada, then look as Grace; return the voice among Grace's choices."""
    await clone(page, title)
    await press(page, sentence("button.share"))
    await card_texts(page, until=sentence("shared.here"))
    await look_as(page, "Grace")
    return Picked(sentence("choice.shared", title=title, owner="Ada"), typed=title[:5].lower())


IGNORED = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.mark.parametrize("started_by", [(), (sys.executable, "-c", IGNORED)], ids=["a person", "a script"])
def test_demo_prints_its_address_and_ends_on_ctrl_c(tmp_path: Path, started_by: tuple[str, ...]):
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.defpath, "TMPDIR": str(tmp_path), "BROWSER": "true"}
    with subprocess.Popen(
        [*started_by, sys.executable, "-m", "bot", "demo"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - it may be ignored here
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        printed = iter(process.stdout.readline, "")
        url = next(found[0] for line in printed if (found := re.search(r"http://127\.0\.0\.1:\d+/", line)))
        with urllib.request.urlopen(url) as answer:
            assert b"<html" in answer.read()
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, rest + complaints
        assert complaints == ""
    assert list(tmp_path.iterdir()) == [], "the demo leaves nothing behind"


@pytest.mark.browser
async def test_clone_passes_its_stages_to_a_voice_that_plays():
    async with demo_page(clone_seconds=5) as page:
        await type_command(page, "/clonevoice", GIVEN)
        texts = await card_texts(page, until="English")
        seen = "\n".join(texts)
        assert "Sending to Mureka" in seen
        assert len({*re.findall(r"Sending to Mureka · (\d+)%", seen)}) >= 2, "the upload's bar moves"
        assert len({*re.findall(r"Cloning · (\d:\d\d) of about 0:06", seen)}) >= 2, "the time runs"
        assert "can't be recalled" in seen
        assert await play(page) == pytest.approx(13.8, abs=0.5)

        await type_command(page, "/clonevoice", GIVEN | {"title": "ADA"})
        await card_texts(page, until=sentence("refused.title_taken", title="ADA"))


@pytest.mark.browser
@pytest.mark.parametrize(
    ("sample", "said"), [("too-short.mp3", "It needs at least 3 s"), ("not-really-an-mp3.mp3", "is WAV, not MP3")]
)
async def test_bad_sample_is_refused_on_the_page(sample: str, said: str):
    async with demo_page() as page:
        await type_command(page, "/clonevoice", GIVEN | {"sample": SAMPLES / sample})
        await card_texts(page, until=said)


@pytest.mark.browser
async def test_sample_of_unusual_length_is_cloned_once_confirmed():
    async with demo_page(clone_seconds=0.5) as page:
        await type_command(page, "/clonevoice", GIVEN | {"sample": SAMPLES / "outside-recommended.mp3"})
        await card_texts(page, until=sentence("button.anyway"))
        await press(page, sentence("button.anyway"))
        await card_texts(page, until="English")
        assert await browser.card(page).locator(".audio-player").count() == 1


@pytest.mark.browser
async def test_shared_voice_speaks_in_public_for_another_member():
    async with demo_page(clone_seconds=0.5, speech_seconds=2) as page:
        shared = await share(page, "Countess")
        assert "Only you can see this" not in await browser.card_text(page)
        await type_command(page, "/speak", {"voice": shared, "text": "Hello there"})
        texts = await card_texts(page, until=sentence("line.synthetic", title="Countess"))
        assert len({*re.findall(r"Making the clip · (\d:\d\d) of about 0:04", "\n".join(texts))}) >= 2, "the time runs"
        assert "Hello there" in texts[-1]
        assert await play(page) == pytest.approx(13.8, abs=0.5)

        await look_as(page, "Hedy")
        assert "Hello there" in await browser.card_text(page), "all members see the clip"


@pytest.mark.browser
async def test_voice_is_opened_from_the_list_renamed_and_deleted():
    async with demo_page(clone_seconds=0.5) as page:
        await clone(page, "Ada")
        await type_command(page, "/voices list")
        await card_texts(page, until=sentence("list.title", voices=1))
        await choose(page, "Ada")
        await card_texts(page, until=sentence("button.rename"))
        await press(page, sentence("button.rename"))
        await browser.fill_form(page, {sentence("rename.title"): "Countess"})
        await card_texts(page, until=sentence("voice.title", title="Countess"))
        await press(page, sentence("button.delete"))
        await card_texts(page, until=sentence("delete.ask", title="Countess"))
        await press(page, sentence("button.keep"))
        await card_texts(page, until=sentence("button.share"))
        await press(page, sentence("button.delete"))
        await press(page, sentence("button.gone"))
        await card_texts(page, until=sentence("delete.done", title="Countess"))
        await type_command(page, "/voices list")
        await card_texts(page, until="You don't have any voices yet")


@pytest.mark.browser
async def test_speaker_is_asked_listens_and_approves():
    async with demo_page(clone_seconds=0.5) as page:
        rights, speaker = "I have the speaker's permission", Picked("Grace", typed="grace")
        given = GIVEN | {"title": "Grace by Ada", "rights": rights, "speaker": speaker}
        await type_command(page, "/clonevoice", given)
        await card_texts(page, until="you have a request")
        await look_as(page, "Grace")
        await press(page, sentence("button.open"))
        await card_texts(page, until=sentence("consent.title"))
        assert await play(page) == pytest.approx(13.8, abs=0.5)
        await press(page, sentence("button.approve"))
        await card_texts(page, until=sentence("consent.given", title="Grace by Ada"))
        await look_as(page, "Ada")
        await expect(page.get_by_text(sentence("voice.speaker"))).to_be_visible()


@pytest.mark.browser
async def test_moderator_decides_a_reported_case():
    async with demo_page(clone_seconds=0.5) as page:
        shared = await share(page, "Countess")
        await type_command(page, "/voices show", {"voice": shared})
        await press(page, sentence("button.report"))
        await card_texts(page, until="Why are you reporting")
        await choose(page, sentence("report.reason.impersonation"))
        await card_texts(page, until=sentence("report.thanks"))
        await look_as(page, "Hedy")
        await type_command(page, "/voiceadmin reports")
        await card_texts(page, until=sentence("moderators.reports", rows=1))
        await choose(page, "Countess")
        await card_texts(page, until=sentence("case.title", title="Countess"))
        assert await play(page) == pytest.approx(13.8, abs=0.5)
        await press(page, sentence("button.case.remove"))
        await browser.fill_form(page, {sentence("verdict.reason", name="Ada"): "Grace did not agree"})
        await card_texts(page, until=sentence("case.done.remove", title="Countess"))


@pytest.mark.browser
async def test_only_the_moderator_sees_voiceadmin_commands():
    async with demo_page() as page:
        assert "/voiceadmin settings" not in await browser.offered(page)
        await look_as(page, "Hedy")
        assert "/voiceadmin settings" in await browser.offered(page)
