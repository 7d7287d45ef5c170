"""Records for tests that need any valid one."""

from bot.cloning.job import CloneJob, Stage
from bot.jobs.record import InteractionReply
from bot.library.models import SharedVoice
from bot.speaking.job import SpeechJob, SpeechStage
from bot.voices.models import WORDING_VERSION, Language, Rights, Statement, Voice

JOB = CloneJob(
    id="1-0a1b2c3d",
    owner_id=1,
    owner_name="Ada",
    guild_id=2,
    channel_id=3,
    title="Ada",
    description="Ada (0a1b2c3d)",
    rights=Rights.OWN,
    language=Language.ENGLISH,
    locale="en-US",
    sample_url="https://cdn.example/a.mp3",
    statement=Statement(1, "This is my own voice", WORDING_VERSION, 100.0, 2, 3),
    times={Stage.RECEIVED: 100.0},
    reply=InteractionReply("token", 5, 100.0, 1000),
)

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

SHARE = SharedVoice(VOICE.id, 1, "Ada", "Größe 声 🎙", Language.JAPANESE, 3.5)

SPEECH = SpeechJob(
    id="late",
    author_id=9,
    author_name="Grace",
    guild_id=5,
    channel_id=6,
    voice_id=VOICE.id,
    owner_id=1,
    account=None,
    title="Größe 声 🎙",
    text="Hello",
    locale="en-US",
    times={SpeechStage.ACCEPTED: 5.0},
    reply=InteractionReply("token", 4, 5.0, 100),
)
