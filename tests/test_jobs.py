"""The stages of a job: which may follow which."""

from dataclasses import replace

import pytest

from bot.audio.sample_info import SampleInfo
from bot.cloning.job import TRANSITIONS, CloneJob, CloneRequest, IllegalTransition
from bot.cloning.stage import FINISHED, Stage
from bot.jobs.record import InteractionReply
from bot.mureka.responses import VoiceResponse
from bot.voices.models import Language, Rights

ORDER = CloneRequest(
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
JOB = CloneJob.from_request(ORDER, title="Ada", description="", now=100.0)


def test_a_job_goes_its_way_and_remembers_when():
    job = JOB
    for number, stage in enumerate(
        [Stage.CHECKED, Stage.QUEUED, Stage.UPLOADING, Stage.CLONING, Stage.DONE], start=101
    ):
        job = job.advanced(stage, float(number))
    assert job.finished
    assert list(job.times.values()) == [100.0, 101.0, 102.0, 103.0, 104.0, 105.0]


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("following", Stage)
def test_only_the_drawn_moves_are_legal(stage: Stage, following: Stage):
    job = replace(JOB, stage=stage)
    if following in TRANSITIONS[stage]:
        assert job.advanced(following, 0.0).stage is following
    else:
        with pytest.raises(IllegalTransition):
            job.advanced(following, 0.0)


def test_what_has_been_sent_can_not_be_cancelled():
    assert Stage.CANCELLED not in TRANSITIONS[Stage.UPLOADING] | TRANSITIONS[Stage.CLONING]


def test_nothing_follows_an_end_but_a_new_try():
    assert {stage: TRANSITIONS[stage] for stage in FINISHED if TRANSITIONS[stage]} == {
        Stage.FAILED: {Stage.QUEUED}
    }


def test_a_job_that_waits_for_a_click_leaves_its_member_free():
    assert JOB.blocks_next_clone
    assert not replace(JOB, stage=Stage.CONFIRMING).blocks_next_clone
    assert not replace(JOB, stage=Stage.DONE).blocks_next_clone


def test_a_voice_without_a_description_is_told_apart_by_the_jobs_code():
    assert JOB.description == f"Ada ({JOB.id.partition('-')[2]})"
    assert JOB.id.startswith("1-"), "a damaged job's file still tells whose it is"
    assert CloneJob.from_request(ORDER, title="Ada", description="mine", now=0).description == "mine"


def test_what_the_api_leaves_out_comes_from_the_job():
    facts = SampleInfo(12.5, "MP3", 44100, 1, 64000, -3.0, -20.0)
    voice = replace(JOB, sample_info=facts, account="a@example.com").voice(VoiceResponse(id=7), 200.0)
    assert (voice.id, voice.job_id, voice.duration, voice.created_at) == (7, JOB.id, 12.5, 200.0)
    assert voice.account == "a@example.com"
