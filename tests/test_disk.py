"""A disk that is full, for real: the kernel refuses the bot's writes."""

import resource
from pathlib import Path

from conftest import sentence, until
from test_kill import Life, begun


def fill(life: Life) -> None:
    """Let no file of the bot grow any more, new ones included."""
    resource.prlimit(life.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def make_room(life: Life) -> None:
    resource.prlimit(
        life.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    )


async def test_a_voice_waits_for_room_and_nothing_recorded_earlier_is_lost(tmp_path: Path):
    async with begun(tmp_path / "life") as life:
        await until(life.last_cards)
        before = life.records()
        await life.order("Grace")
        await until(lambda: len(life.upstream.voices) == 2)
        fill(life)
        await until(lambda: life.card and sentence("note.disk_full") in life.card.text)
        assert life.records() == before
        make_room(life)
        await until(lambda: life.last_cards("Grace"))
        assert [voice["title"] for voice in life.records()] == ["Ada", "Grace"]
        assert life.sendings == 2
        await until(lambda: not any((life.home / "data" / "jobs").iterdir()))


async def test_a_command_is_refused_and_leaves_nothing_while_the_disk_is_full(tmp_path: Path):
    async with begun(tmp_path / "life") as life:
        await until(life.last_cards)
        fill(life)
        await life.order("Grace")
        await until(lambda: life.card and sentence("store.unwritable") in life.card.text)
        assert [*(life.home / "data" / "jobs").iterdir()] == []
        make_room(life)
        await life.order("Linus")
        await until(lambda: life.last_cards("Linus"))
        assert [voice["title"] for voice in life.records()] == ["Ada", "Linus"]


async def test_a_killed_bot_finds_the_voice_that_there_was_no_room_for(tmp_path: Path):
    async with begun(tmp_path / "life") as life:
        await until(lambda: life.upstream.voices)
        fill(life)
        await until(lambda: life.card and sentence("note.disk_full") in life.card.text)
        await life.kill()
        await life.start()
        assert await life.judge() == "a voice"
        assert life.sendings == 1
