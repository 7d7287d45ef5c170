"""What the API answers can be anything: what can't be used counts as missing, and nothing else happens."""

import json
import math
from typing import Any

import pytest

from bot.bounds import MAX_ID, bounded_text, parse_id, without_page
from bot.demo.upstream import Fault
from bot.mureka.errors import AnswerUnreadable, TooManyAtOnce
from bot.mureka.responses import (
    AccountProfile,
    Accounts,
    JobResponse,
    SpeechResponse,
    VoicePage,
    VoiceResponse,
    error_for_status,
    parse,
    short,
)
from support.payloads import ODD, mutations
from support.people import delete, speak
from support.reading import sentence, text
from support.world import World

ORIGIN = "http://127.0.0.1:8123"
VOICE = {
    "id": 12345678901234,
    "user_id": 23456789012345,
    "title": "Custom Voice",
    "cover": "https://static-cos.mureka.ai/a.png",
    "mp3_url": "https://static-cos.mureka.ai/a.mp3",
    "language": "en",
    "created_at": 1755483687,
    "description": "As he was",
    "duration_milliseconds": 12520,
    "machine_audit_state": 1,
}
SPEECH = {"title": "T", "preview": "Hello", "cover": VOICE["cover"], "mp3_url": VOICE["mp3_url"]}
JOB = {"jobid": "job:1", "verb": "speech", "jobType": "tts", "status": "completed", "request": {}, "response": SPEECH}
ANSWERS: dict[Any, Any] = {
    VoiceResponse: VOICE,
    VoicePage: {"list": [VOICE, VOICE | {"source_type": "cloned"}], "last_id": 12345678901234, "more": True},
    SpeechResponse: SPEECH,
    JobResponse: JOB,
    Accounts: {"demo@example.com": {"account": "demo@example.com", "updated": "x", "error": "expired"}},
    AccountProfile: {"user": {"vip_name": "Premier", "vip_level_name": "x"}, "credits": 4200},
}
FULL = VoiceResponse(
    12345678901234,
    "Custom Voice",
    "As he was",
    "en",
    1755483687.0,
    12.52,
    "https://static-cos.mureka.ai/a.png",
    "https://static-cos.mureka.ai/a.mp3",
)


def values(parsed: Any) -> list[Any]:
    """List all values of a parsed answer, at any depth."""
    match parsed:
        case dict():
            return [value for pair in parsed.items() for each in pair for value in values(each)]  # pyright: ignore[reportUnknownVariableType]
        case list() | tuple():
            return [value for each in parsed for value in values(each)]  # pyright: ignore[reportUnknownVariableType]
        case _ if hasattr(parsed, "__slots__"):
            return [value for name in parsed.__slots__ for value in values(getattr(parsed, name))]
        case _:
            return [parsed]


@pytest.mark.parametrize("shape", ANSWERS, ids=lambda shape: getattr(shape, "__name__", "?"))
def test_each_change_of_an_answer_is_read_or_unreadable_and_within_bounds(shape: Any):
    readable = 0
    for name, changed in mutations(ANSWERS[shape]):
        try:
            parsed = parse(shape, changed, ORIGIN)
        except AnswerUnreadable:
            continue
        readable += 1
        for value in values(parsed):
            if isinstance(value, str):
                assert len(value) <= 2000, name
                assert "\0" not in value.encode().decode(), name
            elif type(value) in {int, float}:
                assert 0 <= value <= MAX_ID, name
                assert math.isfinite(value), name
    assert readable > len(ODD)


def test_each_change_of_a_paid_answer_leaves_the_voice_if_its_id_is_whole():
    for name, changed in mutations(VOICE):
        if name.startswith(("()", "('id',)")):
            continue
        voice = parse(VoiceResponse, changed, ORIGIN)
        kept = [getattr(voice, field) == getattr(FULL, field) for field in voice.__slots__]
        assert voice.id == FULL.id, name
        assert kept.count(False) <= 1, name


@pytest.mark.parametrize(
    ("given", "read"),
    [
        *((good, good) for good in (1, 12345678901234, MAX_ID)),
        *((str(good), good) for good in (1, 12345678901234, MAX_ID)),
        ("00000000000000000007", 7),
        *((bad, None) for bad in (0, -1, MAX_ID + 1, 1.0, 1e13, True, None, "", "0", "-1", "+1", " 1", "1 ", "1.0")),
        ([1], None),
        *((bad, None) for bad in ("1_000", "٣", "\uff11", "²", "0x1", "1e3", str(MAX_ID + 1), "0" * 20 + "1")),
    ],
)
def test_id_is_a_number_or_ascii_digits_up_to_64_bits(given: object, read: int | None):
    if read is None:
        with pytest.raises(ValueError, match="not an ID"):
            parse_id(given)
        with pytest.raises(AnswerUnreadable):
            parse(VoiceResponse, VOICE | {"id": given}, ORIGIN)
    else:
        assert parse(VoiceResponse, VOICE | {"id": given}, ORIGIN) == parse(VoiceResponse, VOICE | {"id": read}, ORIGIN)
    page = parse(VoicePage, {"list": [], "last_id": given}, ORIGIN)
    assert page.last_id == read


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://static-cos.mureka.ai/a%20b.mp3?x=1", True),
        (f"{ORIGIN}/a.mp3", True),
        ("http://static-cos.mureka.ai/a.mp3", False),
        ("http://127.0.0.1:8124/a.mp3", False),
        ("https://me@static-cos.mureka.ai/a.mp3", False),
        ("https://:pw@static-cos.mureka.ai/a.mp3", False),
        ("https://static-cos.mureka.ai\\@example.com/a.mp3", False),
        ("https:///a.mp3", False),
        ("https://x:99999/a.mp3", False),
        ("//static-cos.mureka.ai/a.mp3", False),
        ("ftp://static-cos.mureka.ai/a.mp3", False),
        ("javascript:alert(1)", False),
        ("data:audio/mpeg;base64,AAAA", False),
        ("file:///etc/passwd", False),
        ("https://[broken", False),
        ("https://static-cos.mureka.ai/\u202egpj.mp3", False),
        ("https://static-cos.mureka.ai/\n.mp3", False),
        ("https://static-cos.mureka.ai/" + "a" * 2000, False),
    ],
)
def test_url_is_https_or_of_the_api_itself_and_names_nobody(url: str, taken: bool):  # noqa: FBT001 - a case
    voice = parse(VoiceResponse, VOICE | {"mp3_url": url}, ORIGIN)
    assert voice.preview_url == (url if taken else None)
    assert parse(JobResponse, JOB | {"response": {"mp3_url": url}}, ORIGIN).speech == (
        SpeechResponse(url) if taken else None
    )


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("٣", 10), ("9" * 5000, 10), ("1" * 20, 300), ("1e3", 10), ("-5", 10), ("inf", 10), ("7", 7)],
)
def test_retry_after_is_ascii_digits_within_bounds(header: str, seconds: float):
    error = error_for_status(429, code="", retry_after=header)
    assert isinstance(error, TooManyAtOnce)
    assert error.retry_after == seconds


PAGE = "<!DOCTYPE html>\n<html><head><title>Error 1015</title></head><body>Ray ID: 8f2c</body></html>"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("session expired", "session expired"),
        (f"upstream said: {PAGE}", "upstream said: [a page]"),
        ("<HTML>x", "[a page]"),
        ("<?xml version='1.0'?><x/>", "[a page]"),
        ("two\nlines\tand\u2028more", "two lines and more"),
        ("x" * 5000, "x" * 200),
        (4711, "4711"),
        ({"a": PAGE}, ""),
        (None, ""),
        ("a < b and c > d", "a < b and c > d"),
    ],
)
def test_what_an_error_says_is_one_short_line_and_never_a_page(said: object, line: str):
    assert short(said) == line
    assert without_page(line) == line


def test_text_is_valid_unicode_cut_to_a_length():
    assert bounded_text("a\x00b\ud800c" + "x" * 50, 8) == "abcxxx"
    for nothing in ("", "\ud800", "\0", None, 5, ["x"], b"x"):
        with pytest.raises(ValueError, match="not a text"):
            bounded_text(nothing, 8)


RAW = [
    b'{"id": 12345678901234, "duration_milliseconds": NaN, "created_at": -Infinity}',
    b'{"id": "12345678901234", "created_at": 1e400, "mp3_url": "javascript:alert(1)"}',
    b'{"id": 12345678901234, "duration_milliseconds": ' + b"9" * 5000 + b"}",
    b'{"id": 12345678901234, "title": "\\ud800", "cover": ["x"], "description": "\\u0000"}',
]


@pytest.mark.parametrize("raw", RAW)
async def test_voice_that_was_paid_is_recorded_without_the_odd_field(world: World, raw: bytes):
    world.upstream.faults.append(Fault(method="POST", body=raw))
    done = await world.send()
    assert sentence("voice.ready", title="Ada") in text(done)
    [voice] = world.stored(world.ada)
    assert (voice["id"], voice["preview_url"], voice["cover_url"]) == (12345678901234, None, None)
    stored = json.dumps(voice, allow_nan=False)
    assert 1_700_000_000 < json.loads(stored)["created_at"] < 2_000_000_000


@pytest.mark.parametrize("raw", [b"NaN", b"[" * 100_000, b"9" * 5000, b'{"id": ' + b"9" * 5000 + b"}", b'{"id": NaN}'])
async def test_answer_that_is_no_voice_is_looked_for_and_found_in_the_list(world: World, raw: bytes):
    world.upstream.faults.append(Fault(method="POST", body=raw, takes_effect=True))
    assert sentence("voice.ready", title="Ada") in text(await world.send())
    assert [voice["id"] for voice in world.stored(world.ada)] == [*world.upstream.voices]
    assert len(world.posts()) == 1


@pytest.mark.parametrize("body", [b"", b"null", b"[]", {"error": "no"}, {"id": 1}, b"<html>", b"[" * 100_000])
@pytest.mark.parametrize("gone", [True, False])
async def test_odd_answer_to_a_deletion_counts_only_if_the_voice_is_no_longer_listed(
    world: World,
    body: object,
    gone: bool,  # noqa: FBT001 - a case
):
    await world.voice(world.ada, "Ada")
    world.upstream.faults.append(Fault(method="DELETE", body=body, takes_effect=gone))
    answer = text(await delete(world, world.ada))
    assert answer == sentence("delete.done" if gone else "delete.owed", title="Ada")
    assert len(world.stored(world.ada)) == (0 if gone else 1)


@pytest.mark.parametrize("page", [{"list": [{"id": "x"}]}, {"list": [], "more": "no"}, {"list": [None]}])
async def test_list_that_can_not_be_read_whole_proves_no_voice_absent(world: World, page: object):
    await world.voice(world.ada, "Ada")
    world.upstream.faults += [Fault(method="DELETE", status=404), Fault(path="/speech/voices/", body=page)]
    assert text(await delete(world, world.ada)) == sentence("delete.owed", title="Ada")


async def test_id_that_arrives_as_text_is_sent_as_a_number_in_json(world: World):
    world.upstream.faults.append(Fault(method="POST", body={"id": "12345678901234"}, takes_effect=True))
    await world.send()
    [voice] = world.stored(world.ada)
    assert voice["id"] == 12345678901234
    await speak(world, world.ada)
    [sent] = [json.loads(one.body) for one in world.upstream.requests if one.path == "/speech"]
    assert sent["voice_id"] == 12345678901234
    await delete(world, world.ada)
    assert [one.query["voice_id"] for one in world.upstream.requests if one.method == "DELETE"] == ["12345678901234"]
