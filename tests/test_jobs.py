"""The stages of a job and their transitions."""

from dataclasses import replace

import pytest

from bot.audio.sample_info import SampleInfo
from bot.cloning.job import FINISHED, TRANSITIONS, CloneJob, IllegalTransition, Stage
from bot.mureka.responses import VoiceResponse
from support.builders import JOB


def test_job_follows_its_stages_and_records_their_times():
    job = JOB
    for number, stage in enumerate([Stage.CHECKED, Stage.QUEUED, Stage.UPLOADING, Stage.CLONING, Stage.DONE], 101):
        job = job.advance(stage, float(number))
    assert job.finished
    assert list(job.times.values()) == [100.0, 101.0, 102.0, 103.0, 104.0, 105.0]


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("following", Stage)
def test_only_listed_transitions_are_legal(stage: Stage, following: Stage):
    job = replace(JOB, stage=stage)
    if following in TRANSITIONS[stage]:
        assert job.advance(following, 0.0).stage is following
    else:
        with pytest.raises(IllegalTransition):
            job.advance(following, 0.0)


def test_sent_job_cannot_be_canceled_and_only_a_retry_follows_a_finished_stage():
    assert Stage.CANCELLED not in TRANSITIONS[Stage.UPLOADING] | TRANSITIONS[Stage.CLONING]
    assert {stage: TRANSITIONS[stage] for stage in FINISHED if TRANSITIONS[stage]} == {Stage.FAILED: {Stage.QUEUED}}


def test_job_that_waits_for_a_click_does_not_block_its_member():
    assert JOB.blocks_next_clone
    assert not replace(JOB, stage=Stage.CONFIRMING).blocks_next_clone
    assert not replace(JOB, stage=Stage.DONE).blocks_next_clone


def test_id_of_a_job_names_its_owner_even_if_the_file_is_damaged():
    assert CloneJob.new_id(1).startswith("1-")
    assert replace(JOB, id="1-0a1b2c3d").code == "0a1b2c3d"


def test_fields_missing_in_the_response_come_from_the_job():
    facts = SampleInfo(12.5, "MP3", 44100, 1, 64000, -3.0, -20.0)
    voice = replace(JOB, sample_info=facts, account="a@example.com").to_voice(VoiceResponse(id=7), 200.0)
    assert (voice.id, voice.job_id, voice.duration, voice.created_at) == (7, JOB.id, 12.5, 200.0)
    assert voice.account == "a@example.com"
