"""Which voice of the list is a clone's own."""

from dataclasses import replace

import pytest

from bot.cloning.recovery import find
from bot.cloning.stage import Stage
from bot.mureka.responses import VoiceResponse
from bot.voices.models import Language
from test_jobs import JOB

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


def test_the_voice_of_the_same_texts_is_found_among_others():
    others = [replace(MADE, id=8, title="Grace"), VoiceResponse(9)]
    assert find(CLONE, [*others, MADE], ()) == MADE
    assert find(CLONE, others, ()) is None
    assert find(CLONE, [], ()) is None


@pytest.mark.parametrize("before", [5, 6])
def test_a_voice_that_existed_before_is_not_it(before: int):
    assert find(CLONE, [replace(MADE, id=before)], ()) is None


def test_a_voice_that_somebody_has_is_not_it():
    assert find(CLONE, [MADE], {7}) is None
    assert find(CLONE, [MADE, replace(MADE, id=8)], {7}) == replace(MADE, id=8)


@pytest.mark.parametrize(
    ("title", "description"),
    [
        ("Gro\u0308ße 1", "two words"),  # decomposed
        (" Größe\u00a0 1\n", "two\t words "),
        ("Größe 1\u200e", "two words\u202c"),
    ],
)
def test_texts_come_back_in_another_form(title: str, description: str):
    voice = replace(MADE, title=title, description=description)
    assert find(CLONE, [voice], ()) == voice


@pytest.mark.parametrize(
    "other", [{"title": "größe 1"}, {"title": None}, {"description": "two"}, {"language": "en"}]
)
def test_a_voice_of_another_title_description_or_language_is_not_it(other: dict[str, str | None]):
    voice = replace(MADE, **other)  # pyright: ignore[reportArgumentType] -- all three are texts or None
    assert find(CLONE, [voice], ()) is None


@pytest.mark.parametrize("missing", ["description", "language", "created_at"])
def test_what_the_api_leaves_out_is_no_reason_against_it(missing: str):
    voice = replace(MADE, **{missing: None})  # pyright: ignore[reportArgumentType] -- all three may be None
    assert find(CLONE, [voice], ()) == voice


@pytest.mark.parametrize("off", [-600, 600, -SENT])
def test_the_clocks_need_not_agree(off: float):
    voice = replace(MADE, created_at=SENT + off)
    assert find(CLONE, [voice], ()) == voice


def test_of_several_the_one_made_nearest_to_the_sending_is_it():
    early, late = replace(MADE, id=8, created_at=SENT - 90), replace(MADE, id=9, created_at=SENT + 9999)
    timeless = replace(MADE, id=10, created_at=None)
    for listed in ([early, MADE, late, timeless], [timeless, late, MADE, early]):
        assert find(CLONE, listed, ()) == MADE


def test_once_its_id_is_known_nothing_else_counts():
    renamed = replace(MADE, title="Something else")
    known = replace(CLONE, voice_id=7, voice_ids_before=(7,))
    assert find(known, [replace(MADE, id=8), renamed], {7}) == renamed
    assert find(known, [replace(MADE, id=8)], ()) is None
