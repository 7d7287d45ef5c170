"""Records for tests that need any valid one."""

from bot.cloning.job import CloneJob, CloneRequest
from bot.jobs.record import InteractionReply
from bot.voices.models import Language, Rights, Voice

REQUEST = CloneRequest(
    sample_url="https://cdn.example/a.mp3",
    sample_size=1,
    owner_id=1,
    owner_name="Ada",
    guild_id=2,
    channel_id=3,
    title="Ada",
    rights=Rights.OWN,
    wording="This is my own voice",
    language=Language.ENGLISH,
    locale="en-US",
    reply=InteractionReply("token", 5, 100.0, 1000),
)

JOB = CloneJob.from_request(REQUEST, title="Ada", description="", now=100.0)

VOICE = Voice(
    id=12345678901234,
    job_id="0a1b2c3d",
    owner_id=1,
    guild_id=2,
    title="Ada",
    description="A voice",
    language=Language.ENGLISH,
    rights=Rights.OWN,
    sample_sha256="ab" * 32,
    created_at=1755483687.25,
)
