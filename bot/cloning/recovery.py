"""Which voice is mine: how a clone with an unknown outcome is recognised in the list of its account."""

from collections.abc import Collection, Iterable

from bot.cloning.job import CloneJob
from bot.cloning.stage import Stage
from bot.mureka.responses import VoiceResponse
from bot.text import clean_text


def find(job: CloneJob, listed: Iterable[VoiceResponse], claimed: Collection[int]) -> VoiceResponse | None:
    """Return the voice that a job has made, if it is in the list.

    It was not listed before the sample was sent, nobody has claimed it, and its title, description and
    language are the job's. Times only break ties: the API's clock is not ours.
    """
    if job.voice_id is not None:
        return next((voice for voice in listed if voice.id == job.voice_id), None)
    sent_at = job.times.get(Stage.CLONING, 0.0)
    return min(
        (
            voice
            for voice in listed
            if voice.id not in job.voice_ids_before and voice.id not in claimed and _fits(job, voice)
        ),
        key=lambda voice: abs((voice.created_at or 0.0) - sent_at),
        default=None,
    )


def _fits(job: CloneJob, voice: VoiceResponse) -> bool:
    """Compare what the API tells; only the title it must tell."""
    told = (voice.title or "", voice.description or job.description, voice.language or job.language)
    return [*map(clean_text, told)] == [*map(clean_text, (job.title, job.description, job.language))]
