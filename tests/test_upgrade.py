"""The present program continues what the program at 7ce5979 left when it was killed."""

import json
from pathlib import Path
from typing import Any

from bot.demo.upstream import ClonedVoice, Upstream
from support.clocks import FastClock
from support.reading import read_files, sentence
from support.world import World, opened

KILLED = 1_763_003_600.0
ACCOUNT = "demo@example.com"
KEPT_JOBS = {"1006-c0000006", "1010-c000000a", "1012-c000000c", "1014-c000000e"}
VOICES = {
    1001: {"Radio Größe 声", "Diary"},
    1002: {"Old reading", "Ada for the tour"},
    1004: {"Checked"},
    1007: {"Queued 声"},
    1008: {"Uploading"},
    1009: {"Cloning"},
    1011: {"Done"},
    1016: {"Queued, approved"},
    1017: set[str](),
    1018: {"Tried again"},
}
ENDS = {1003: "sample.link_dead", 1012: "mureka.not_found", 1013: "refused.cancelled"}
"""What the last edit of a card says, by its member."""

TOLD = {1003, 1004, 1005, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1015, 1016, 1017, 1018}
"""The members whose clones have ended since. Their direct messages are closed, so a channel mentions them."""


class ClockSinceKill(FastClock):
    """A fast clock that starts at the kill."""

    def now(self) -> float:
        return KILLED + self.monotonic()


def read(folder: Path, kind: str) -> dict[str, dict[str, Any]]:
    return {stem: json.loads(content) for stem, content in read_files(folder, f"{kind}/*.json").items()}


def is_over(folder: Path) -> bool:
    jobs = {name: record["job"]["1"] for name, record in read(folder, "jobs").items()}
    return (
        jobs.keys() == KEPT_JOBS
        and all(jobs[name].get("delivered") for name in ("1010-c000000a", "1012-c000000c"))
        and not read(folder, "speeches")
        and "1040" not in read(folder, "members")
        and read(folder, "servers")["5001"]["cases"]["700000000006"].get("done", False)
    )


def last_edit(world: World, member_id: int) -> str:
    """Return the last edit of a job's card that its interaction token made."""
    edits = [entry for entry in world.env.http_requests if f"/token-of-{member_id}/" in entry.path]
    return json.dumps(edits[-1].json, ensure_ascii=False)


async def test_every_job_that_a_killed_bot_of_shape_0_left_ends(shape0: Path):
    async with Upstream() as upstream:
        for number, title, description in (
            (20250000000101, "Radio Größe 声", "Warm, slow, close"),
            (20250000000901, "Cloning", "Cloning (c0000009)"),
            (20250000000902, "Cloning, taken back", "Cloning, taken back (c0000011)"),
        ):
            upstream.voices[number] = ClonedVoice(number, ACCOUNT, title, description, "en", b"", int(KILLED))
        async with opened(shape0, upstream, ClockSinceKill()) as world:
            await world.later(lambda: is_over(shape0))
            sent = sorted(post.query["title"] for post in world.posts())
            assert sent == ["Checked", "Queued 声", "Queued, approved", "Tried again", "Uploading"]
            for member_id, key in ENDS.items():
                assert sentence(key) in last_edit(world, member_id), member_id
            mentioned = " ".join(body.get("content") or "" for body in world.direct())
            for member_id in TOLD:
                assert f"<@{member_id}>" in mentioned, member_id
            assert "<@1006>" not in mentioned, "its speaker has not answered yet"
            assert "<@1014>" not in mentioned, "it was delivered before the kill"

    members = {int(name): record for name, record in read(shape0, "members").items()}
    titles = {
        member_id: {voice["title"] for voice in record.get("voices", {}).values()}
        for member_id, record in members.items()
    }
    assert titles == VOICES
    assert "20250000000901" in members[1009]["voices"], "it was found and not made again"
    remaining = {voice.title for voice in upstream.voices.values()}
    assert "Cloning, taken back" not in remaining, "its speaker withdrew the consent"
    jobs = {name: record["job"]["1"] for name, record in read(shape0, "jobs").items()}
    assert {name: job["stage"] for name, job in jobs.items()} == {
        "1006-c0000006": "approval",
        "1010-c000000a": "failed",
        "1012-c000000c": "failed",
        "1014-c000000e": "failed",
    }
    assert {job["failure"]["key"] for job in jobs.values() if job["failure"]} == {"mureka.not_found"}
    assert [line.text for line in upstream.speeches] == ["Accepted.\nNot sent yet: 声."]
    [newest] = [clip for clip in members[1001]["clips"]["1"]["clips"] if clip["author_id"] == 1030]
    assert newest["text"] == "Accepted.\nNot sent yet: 声."
    assert "1024" in read(shape0, "servers")["5001"]["blocks"], "an unfinished decision was carried out"
    pending = json.loads((shape0 / "pending.json").read_bytes())
    assert pending["pending_erasures"] == {}
    assert pending["pending_deletions"].keys() == {"20250000000201"}, "the API does not know its account"
