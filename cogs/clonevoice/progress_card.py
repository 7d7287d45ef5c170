"""The card of an unfinished clone: its stages as a list, with a bar for the current one."""

from datetime import timedelta

import discord

from bot.audio.inspector import within_recommended
from bot.cloning.job import CloneJob, Progress, Stage
from bot.i18n import translate, translate_markdown
from cogs._ui.formatting import BLURPLE, YELLOW, bar, card, estimate

_STAGES = tuple(stage for stage in Stage if stage not in {Stage.FAILED, Stage.CANCELLED})
PASSED = (Stage.CHECKED, Stage.CONFIRMING, Stage.CONSENT, Stage.UPLOADING)
AHEAD = (Stage.CONSENT, Stage.UPLOADING, Stage.CLONING, Stage.DONE)
"""The stages that have a line when they are over, and while they are still to come."""


def draw(job: CloneJob, progress: Progress) -> discord.Embed:
    """Return the card. Stages that this job skips are left out."""
    current = _STAGES.index(progress.stage)
    optional = {Stage.CONFIRMING: Stage.CONFIRMING in job.times, Stage.CONSENT: job.speaker is not None}
    own = [stage for stage in _STAGES if optional.get(stage, True)]
    lines = [_passed(job, stage) for stage in own if stage in PASSED and _STAGES.index(stage) < current]
    lines.append(_current(job, progress))
    lines += [
        translate_markdown(job.locale, f"stage.ahead.{stage}")
        for stage in own
        if stage in AHEAD and _STAGES.index(stage) > current
    ]
    if progress.note:
        lines.append(translate_markdown(job.locale, progress.note))
    color = YELLOW if progress.stage in {Stage.CONFIRMING, Stage.CONSENT} else BLURPLE
    title = translate_markdown(job.locale, "card.title", title=job.title)
    footers = {Stage.UPLOADING: "card.sending", Stage.CLONING: "card.sent"}
    footer = footers.get(progress.stage, "card.again" if job.attempt else "card.unsent")
    return card(color, title, "\n".join(lines), translate(job.locale, footer))


def _passed(job: CloneJob, stage: Stage) -> str:
    name = job.speaker.name if job.speaker else ""
    duration = timedelta(seconds=job.sample_info.duration if job.sample_info else 0)
    return translate_markdown(job.locale, f"stage.passed.{stage}", name=name, length=duration)


def _current(job: CloneJob, progress: Progress) -> str:
    match progress.stage:
        case Stage.CHECKED:
            return _passed(job, Stage.CHECKED)
        case Stage.QUEUED if progress.done:
            key, values = "stage.queued_behind", {"ahead": int(progress.done)}
        case Stage.UPLOADING:
            share = progress.done / progress.total if progress.total else 0.0
            key, values = "stage.uploading", {"percent": int(share * 100), "bar": bar(share)}
        case Stage.CLONING:
            late = progress.done > progress.total
            key = "stage.cloning_late" if late else "stage.cloning"
            values = estimate(progress.done, progress.total)
        case Stage.CONFIRMING:
            return _question(job)
        case Stage.CONSENT:
            key = "stage.present.approval"
            values = {"name": job.speaker.name if job.speaker else "", "until": int(job.consent_deadline)}
        case stage:
            key, values = f"stage.present.{stage}", {}
    return translate_markdown(job.locale, key, **values)


def _question(job: CloneJob) -> str:
    questions: list[str] = []
    info = job.sample_info
    if info and not within_recommended(info):
        actual = timedelta(seconds=info.duration)
        questions.append(translate_markdown(job.locale, "stage.present.waiting", length=actual))
    if info and info.missing:
        actual = timedelta(seconds=info.duration)
        full = actual + timedelta(seconds=info.missing)
        questions.append(translate_markdown(job.locale, "stage.shortened", full=full, length=actual))
    if job.needs_confirmation:
        questions.append(translate_markdown(job.locale, "stage.doubtful"))
    return "\n".join(questions)
