"""How the progress of a clone is drawn."""

from dataclasses import replace

import pytest

from bot.audio.sample_info import SampleInfo
from bot.cloning.job import FINISHED, Progress, Stage
from bot.voices.models import Speaker
from cogs._ui.formatting import bar
from cogs.clonevoice.progress_card import draw
from support.builders import JOB
from support.reading import sentence

FACTS = SampleInfo(14.2, "MP3", 44100, 2, 128000, -1.2, -18.4)


def drawn(stage: Stage, done: float = 0, total: float = 0) -> str:
    job = replace(JOB, stage=stage, sample_info=None if stage is Stage.RECEIVED else FACTS)
    return draw(job, Progress(stage, done, total)).description or ""


def test_current_stage_is_between_the_passed_and_the_next():
    assert drawn(Stage.QUEUED).splitlines() == [
        "✅ Sample checked · 14 sec",
        "⏳ **Next in line**",
        "▫️ Send to Mureka",
        "▫️ Clone",
        "▫️ Ready",
    ]


@pytest.mark.parametrize(
    ("stage", "done", "total", "shown"),
    [
        (Stage.QUEUED, 3, 0, "⏳ **Waiting in line** · 3 ahead of you"),
        (Stage.UPLOADING, 43_900, 100_000, "**Sending to Mureka** · 43%\n▰▰▰▰▰▱▱▱▱▱▱▱"),
        (Stage.UPLOADING, 0, 0, "**Sending to Mureka** · 0%"),
        (Stage.CLONING, 34, 75, "**Cloning** · 0:34 of about 1:15\n▰▰▰▰▰▱"),
        (Stage.CLONING, 92, 75, "1:32, longer than usual (1:15)"),
    ],
)
def test_current_stage_shows_place_percentage_or_estimate(stage: Stage, done: float, total: float, shown: str):
    assert shown in drawn(stage, done, total)


@pytest.mark.parametrize("seconds", [74.9, 75, 76, 300, 10_000])
def test_estimated_bar_is_never_full(seconds: float):
    assert bar(1) not in drawn(Stage.CLONING, seconds, 75)


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage not in FINISHED])
def test_footer_says_whether_the_sample_was_sent(stage: Stage):
    footer = draw(replace(JOB, stage=stage, speaker=Speaker(2, "grace"), times={stage: 0}), Progress(stage)).footer.text
    sent = {Stage.UPLOADING: "can't be canceled now", Stage.CLONING: "can't be recalled"}
    assert sent.get(stage, "Nothing has been sent") in (footer or "")


@pytest.mark.parametrize(("share", "full"), [(-1, 0), (0, 0), (0.5, 6), (0.99, 11), (1, 12), (7, 12)])
def test_bar_is_as_full_as_its_share(share: float, full: int):
    assert bar(share) == "▰" * full + "▱" * (12 - full)


def test_confirmation_is_shown_with_its_reason_and_only_if_it_happened():
    assert sentence("stage.passed.waiting") not in drawn(Stage.QUEUED)
    asked = replace(JOB, sample_info=FACTS, stage=Stage.CONFIRMING, times={Stage.CONFIRMING: 1.0})
    assert sentence("stage.passed.waiting") in (draw(asked, Progress(Stage.QUEUED)).description or "")
    doubtful = replace(asked, needs_confirmation=True)
    assert sentence("stage.doubtful") in (draw(doubtful, Progress(Stage.CONFIRMING)).description or "")
    short = replace(asked, sample_info=replace(FACTS, duration=5.0))
    shown = draw(short, Progress(Stage.CONFIRMING)).description or ""
    assert "Your sample is 5 sec long" in shown
    cut = replace(asked, sample_info=replace(FACTS, duration=20.0, missing=10.0))
    shown_cut = draw(cut, Progress(Stage.CONFIRMING)).description or ""
    assert "30 sec long, but it ends after 20 sec" in shown_cut
    assert "Your sample is" not in shown_cut
    assert sentence("stage.doubtful") not in shown
