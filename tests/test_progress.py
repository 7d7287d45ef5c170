"""The drawing of a clone's progress: honest, and never done before it is."""

from dataclasses import replace

import pytest

from bot.audio.sample_info import SampleInfo
from bot.cloning.stage import FINISHED, Progress, Stage
from cogs._ui.formatting import bar
from cogs.clonevoice.progress_card import draw
from conftest import sentence
from test_jobs import JOB

FACTS = SampleInfo(14.2, "MP3", 44100, 2, 128000, -1.2, -18.4)


def drawn(stage: Stage, done: float = 0, total: float = 0) -> str:
    job = replace(JOB, stage=stage, sample_info=None if stage is Stage.RECEIVED else FACTS)
    return draw(job, Progress(stage, done, total)).description or ""


def test_the_present_stage_stands_between_those_passed_and_those_to_come():
    assert drawn(Stage.QUEUED).splitlines() == [
        "✅ Received",
        "✅ Checked: 0:14, MP3, 44.1 kHz stereo, 128 kbit/s, peak -1 dBFS, average -18 dBFS",
        "⏳ **Queued**, next in line",
        "▫️ Uploading",
        "▫️ Cloning",
        "▫️ Done",
    ]


def test_a_place_in_the_queue_is_told_as_it_is():
    assert "⏳ **Queued**, 3 ahead of you" in drawn(Stage.QUEUED, 3)


def test_an_upload_shows_the_share_of_bytes():
    assert "**Uploading** 43 %\n▰▰▰▰▰▱▱▱▱▱▱▱" in drawn(Stage.UPLOADING, 43_900, 100_000)
    assert "**Uploading** 0 %" in drawn(Stage.UPLOADING)


def test_cloning_shows_the_time_against_an_estimate_that_says_so():
    assert "**Cloning** 0:34 of about 1:15, an estimate\n▰▰▰▰▰▱" in drawn(Stage.CLONING, 34, 75)


@pytest.mark.parametrize("seconds", [74.9, 75, 76, 300, 10_000])
def test_the_bar_of_an_estimate_never_claims_to_be_done(seconds: float):
    assert bar(1) not in drawn(Stage.CLONING, seconds, 75)


def test_a_clone_that_takes_longer_than_usual_says_so():
    assert "1:32, longer than the usual 1:15" in drawn(Stage.CLONING, 92, 75)


def test_the_wait_for_an_answer_shows_only_for_samples_that_needed_one():
    assert sentence("stage.passed.waiting") not in drawn(Stage.QUEUED)
    asked = replace(JOB, sample_info=FACTS, times={Stage.CONFIRMING: 1.0})
    assert sentence("stage.passed.waiting") in (draw(asked, Progress(Stage.QUEUED)).description or "")


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage not in FINISHED])
def test_the_footer_says_whether_the_sample_has_left(stage: Stage):
    footer = draw(replace(JOB, stage=stage), Progress(stage)).footer.text
    sent = {Stage.UPLOADING: "on its way", Stage.CLONING: "can't be recalled"}
    assert sent.get(stage, "Nothing has been sent") in (footer or "")


@pytest.mark.parametrize(("share", "full"), [(-1, 0), (0, 0), (0.5, 6), (0.99, 11), (1, 12), (7, 12)])
def test_a_bar_is_as_full_as_its_share(share: float, full: int):
    assert bar(share) == "▰" * full + "▱" * (12 - full)


def test_a_sample_that_is_asked_about_says_why():
    asked = replace(
        JOB, sample_info=FACTS, stage=Stage.CONFIRMING, times={Stage.CONFIRMING: 1.0}, needs_confirmation=True
    )
    assert sentence("stage.doubtful") in (draw(asked, Progress(Stage.CONFIRMING)).description or "")
    short = replace(asked, sample_info=replace(FACTS, duration=5.0), needs_confirmation=False)
    shown = draw(short, Progress(Stage.CONFIRMING)).description or ""
    assert "lasts 0:05" in shown
    assert sentence("stage.doubtful") not in shown
