"""Which voice of the list belongs to a clone."""

from dataclasses import replace
from typing import Any

import pytest

from bot.cloning.job import Stage
from bot.cloning.recovery import match_voice
from bot.mureka.responses import VoiceResponse
from bot.voices.models import Language
from support.builders import JOB

SENT = 1_800_000_000.0
CLONE = replace(
    JOB,
    title="Größe 1",
    description="two words",
    language=Language.GERMAN,
    stage=Stage.CLONING,
    times={Stage.RECEIVED: SENT - 9, Stage.CLONING: SENT},
    voice_ids_before=(5, 6),
)
MADE = VoiceResponse(7, "Größe 1", "two words", "de", created_at=SENT + 60)


def test_voice_with_the_same_texts_is_found():
    others = [replace(MADE, id=8, title="Grace"), VoiceResponse(9)]
    assert match_voice(CLONE, [*others, MADE], ()) == MADE
    assert match_voice(CLONE, others, ()) is None
    assert match_voice(CLONE, [], ()) is None


def test_voice_that_existed_before_or_belongs_to_another_job_is_not_found():
    for before in CLONE.voice_ids_before:
        assert match_voice(CLONE, [replace(MADE, id=before)], ()) is None
    assert match_voice(CLONE, [MADE], {7}) is None
    assert match_voice(CLONE, [MADE, replace(MADE, id=8)], {7}) == replace(MADE, id=8)


@pytest.mark.parametrize(
    ("title", "description"),
    [
        ("Gro\u0308ße 1", "two words"),  # decomposed
        (" Größe\u00a0 1\n", "two\t words "),
        ("Größe 1\u200e", "two words\u202c"),
    ],
)
def test_texts_are_compared_in_normalized_form(title: str, description: str):
    voice = replace(MADE, title=title, description=description)
    assert match_voice(CLONE, [voice], ()) == voice


@pytest.mark.parametrize("other", [{"title": "größe 1"}, {"title": None}, {"description": "two"}, {"language": "en"}])
def test_voice_with_another_title_description_or_language_is_not_found(other: dict[str, Any]):
    assert match_voice(CLONE, [replace(MADE, **other)], ()) is None


@pytest.mark.parametrize(
    "changes",
    [
        *({missing: None} for missing in ("description", "language", "created_at")),
        *({"created_at": SENT + off} for off in (-600, 600, -SENT)),
    ],
)
def test_missing_fields_and_clocks_that_disagree_do_not_exclude_a_voice(changes: dict[str, Any]):
    voice = replace(MADE, **changes)
    assert match_voice(CLONE, [voice], ()) == voice


def test_voice_made_closest_to_the_upload_is_found():
    early, late = replace(MADE, id=8, created_at=SENT - 90), replace(MADE, id=9, created_at=SENT + 9999)
    timeless = replace(MADE, id=10, created_at=None)
    for listed in ([early, MADE, late, timeless], [timeless, late, MADE, early]):
        assert match_voice(CLONE, listed, ()) == MADE


def test_known_id_overrides_all_other_fields():
    renamed = replace(MADE, title="Something else")
    known = replace(CLONE, voice_id=7, voice_ids_before=(7,))
    assert match_voice(known, [replace(MADE, id=8), renamed], {7}) == renamed
    assert match_voice(known, [replace(MADE, id=8)], ()) is None
