"""What the progress of a clone looks like: its stages as a list, and a bar for the present one."""

import discord

from bot.audio.inspector import within_recommended
from bot.cloning.job import Job
from bot.cloning.stage import Progress, Stage
from bot.i18n import say, say_markdown
from cogs._ui.voice_card import length

FULLEST = 0.95
"""Where the bar of an estimate stops: the end shows only once it has come."""

_BAR = 12
_BLURPLE = discord.Colour(0x5865F2)
_YELLOW = discord.Colour(0xF1C40F)
_PATH = (
    Stage.RECEIVED,
    Stage.CHECKED,
    Stage.WAITING,
    Stage.APPROVAL,
    Stage.QUEUED,
    Stage.UPLOADING,
    Stage.CLONING,
    Stage.DONE,
)


def draw(job: Job, progress: Progress) -> discord.Embed:
    """Draw the stages passed, the present one with what is known of it, and those to come."""
    present = _PATH.index(progress.stage)
    lines = [
        _passed(job, stage)
        if place < present
        else _present(job, progress)
        if place == present
        else say_markdown(job.locale, f"stage.ahead.{stage}")
        for place, stage in enumerate(_PATH)
        if _passes(job, stage)
    ]
    if progress.note:
        lines.append(say_markdown(job.locale, progress.note))
    embed = discord.Embed(
        title=say_markdown(job.locale, "card.title", title=job.title),
        description="\n".join(lines),
        colour=_YELLOW if progress.stage in {Stage.WAITING, Stage.APPROVAL} else _BLURPLE,
    )
    return embed.set_footer(text=say(job.locale, _footer(job, progress.stage)))


def bar(share: float) -> str:
    """Draw a share from 0 to 1."""
    full = int(max(0.0, min(share, 1.0)) * _BAR)
    return "▰" * full + "▱" * (_BAR - full)


def _footer(job: Job, stage: Stage) -> str:
    match stage:
        case Stage.UPLOADING:
            return "card.sending"
        case Stage.CLONING:
            return "card.sent"
        case _ if job.attempt:
            return "card.again"
        case _:
            return "card.unsent"


def _passes(job: Job, stage: Stage) -> bool:
    match stage:
        case Stage.WAITING:
            return Stage.WAITING in job.times
        case Stage.APPROVAL:
            return job.speaker is not None
        case _:
            return True


def _passed(job: Job, stage: Stage) -> str:
    if job.facts is None or stage is not Stage.CHECKED:
        name = job.speaker.name if job.speaker else ""
        return say_markdown(job.locale, f"stage.passed.{stage}", name=name)
    facts = job.facts
    return say_markdown(
        job.locale,
        "stage.checked_facts",
        length=length(facts.duration),
        codec=facts.codec,
        rate=facts.sample_rate / 1000,
        channels=say(job.locale, "facts.mono" if facts.channels == 1 else "facts.stereo"),
        kilobits=round(facts.bit_rate / 1000),
        peak=round(facts.peak),
        rms=round(facts.rms),
    )


def _present(job: Job, progress: Progress) -> str:
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
            values = {
                "elapsed": length(progress.done),
                "usual": length(progress.total),
                "bar": bar(min(progress.done / (progress.total or 1), FULLEST)),
            }
        case Stage.WAITING:
            return _question(job)
        case Stage.APPROVAL:
            key = "stage.present.approval"
            values = {"name": job.speaker.name if job.speaker else "", "until": int(job.approval_ends)}
        case stage:
            key, values = f"stage.present.{stage}", {}
    return say_markdown(job.locale, key, **values)


def _question(job: Job) -> str:
    """Say what a sample is asked about."""
    questions: list[str] = []
    if job.facts and not within_recommended(job.facts):
        questions.append(say_markdown(job.locale, "stage.present.waiting", length=length(job.facts.duration)))
    if job.doubtful:
        questions.append(say_markdown(job.locale, "stage.doubtful"))
    return "\n".join(questions)
