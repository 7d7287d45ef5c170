"""What the progress of a clone looks like: its stages as a list, and a bar for the present one."""

import discord

from bot.audio.inspector import within_recommended
from bot.cloning.job import CloneJob
from bot.cloning.stage import Progress, Stage
from bot.i18n import translate, translate_markdown
from cogs._ui.formatting import FULLEST, bar, length

_BLURPLE = discord.Colour(0x5865F2)
_YELLOW = discord.Colour(0xF1C40F)
_PATH = (
    Stage.RECEIVED,
    Stage.CHECKED,
    Stage.CONFIRMING,
    Stage.CONSENT,
    Stage.QUEUED,
    Stage.UPLOADING,
    Stage.CLONING,
    Stage.DONE,
)


def draw(job: CloneJob, progress: Progress) -> discord.Embed:
    """Draw the stages passed, the present one with what is known of it, and those to come."""
    present = _PATH.index(progress.stage)
    lines = [
        _passed(job, stage)
        if place < present
        else _present(job, progress)
        if place == present
        else translate_markdown(job.locale, f"stage.ahead.{stage}")
        for place, stage in enumerate(_PATH)
        if _passes(job, stage)
    ]
    if progress.note:
        lines.append(translate_markdown(job.locale, progress.note))
    embed = discord.Embed(
        title=translate_markdown(job.locale, "card.title", title=job.title),
        description="\n".join(lines),
        colour=_YELLOW if progress.stage in {Stage.CONFIRMING, Stage.CONSENT} else _BLURPLE,
    )
    return embed.set_footer(text=translate(job.locale, _footer(job, progress.stage)))


def _footer(job: CloneJob, stage: Stage) -> str:
    match stage:
        case Stage.UPLOADING:
            return "card.sending"
        case Stage.CLONING:
            return "card.sent"
        case _ if job.attempt:
            return "card.again"
        case _:
            return "card.unsent"


def _passes(job: CloneJob, stage: Stage) -> bool:
    match stage:
        case Stage.CONFIRMING:
            return Stage.CONFIRMING in job.times
        case Stage.CONSENT:
            return job.speaker is not None
        case _:
            return True


def _passed(job: CloneJob, stage: Stage) -> str:
    if job.sample_info is None or stage is not Stage.CHECKED:
        name = job.speaker.name if job.speaker else ""
        return translate_markdown(job.locale, f"stage.passed.{stage}", name=name)
    facts = job.sample_info
    return translate_markdown(
        job.locale,
        "stage.checked_facts",
        length=length(facts.duration),
        codec=facts.codec,
        rate=facts.sample_rate / 1000,
        channels=translate(job.locale, "facts.mono" if facts.channels == 1 else "facts.stereo"),
        kilobits=round(facts.bit_rate / 1000),
        peak=round(facts.peak),
        rms=round(facts.rms),
    )


def _present(job: CloneJob, progress: Progress) -> str:
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
        case Stage.CONFIRMING:
            return _question(job)
        case Stage.CONSENT:
            key = "stage.present.approval"
            values = {"name": job.speaker.name if job.speaker else "", "until": int(job.consent_deadline)}
        case stage:
            key, values = f"stage.present.{stage}", {}
    return translate_markdown(job.locale, key, **values)


def _question(job: CloneJob) -> str:
    """Say what a sample is asked about."""
    questions: list[str] = []
    if job.sample_info and not within_recommended(job.sample_info):
        questions.append(
            translate_markdown(job.locale, "stage.present.waiting", length=length(job.sample_info.duration))
        )
    if job.needs_confirmation:
        questions.append(translate_markdown(job.locale, "stage.doubtful"))
    return "\n".join(questions)
