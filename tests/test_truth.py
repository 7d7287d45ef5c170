"""What the bot reports as done is done, and what failed is told, after faults of the store in between."""

import pytest
import simcord

from bot.consent import INTERVAL_SECONDS
from bot.demo.upstream import Fault
from bot.store.tiny.members import TinyMembers
from bot.store.tiny.pending import TinyPending
from bot.store.tiny.servers import TinyServers
from bot.voices.models import Clip
from support.clocks import until
from support.consents import approved, asked, click, question
from support.faults import full_disk
from support.people import delete, forget, press, speak
from support.reading import UNKNOWN, sentence, text
from support.world import World, on_disk, shared_titles


async def refusal(world: World) -> str:
    """Delete Ada's voice, and return what answers the confirmation."""
    asked = await world.ada.slash(world.channel, "voices delete", voice="Ada")
    clicked = await press(world.ada, asked, "button.gone")
    assert text(asked) == sentence("delete.ask", title="Ada")
    return clicked.followups[0].content


async def test_deletion_that_could_not_be_recorded_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.voice(world.ada, "Ada")
    full_disk(monkeypatch, TinyPending, times=1, method="put_pending_deletion")
    assert await refusal(world) == sentence("store.unwritable")
    assert [voice["deleting"] for voice in world.stored(world.ada)] == [False]
    assert len(world.upstream.voices) == 1


@pytest.mark.parametrize(("method", "gone"), [("change", False), ("remove", True)])
async def test_deletion_that_the_disk_interrupts_is_not_called_done_and_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch, method: str, *, gone: bool
):
    await world.voice(world.ada, "Ada")
    full_disk(monkeypatch, TinyMembers, times=1, method=method)
    assert await refusal(world) == sentence("refused.not_deleted_yet", title="Ada")
    assert (not world.upstream.voices) == gone
    await world.later(lambda: not world.upstream.voices and not world.stored(world.ada))


@pytest.mark.parametrize("command", ["unshare", "rename", "delete"])
async def test_owners_file_decides_even_if_the_list_of_the_server_cannot_be_written(
    world: World, monkeypatch: pytest.MonkeyPatch, command: str
):
    voice_id = await world.voice(world.ada, "Ada", share=True)
    for method in ("remove_share", "put_share"):
        full_disk(monkeypatch, TinyServers, times=100, method=method)
    match command:
        case "unshare":
            shown = await world.ada.slash(world.channel, "voices unshare", voice="Ada")
            assert sentence("shared.nowhere") in text(shown)
        case "rename":
            shown = await world.ada.slash(world.channel, "voices rename", voice="Ada", title="Eve")
            assert "Eve" in text(shown)
        case _:
            assert text(await delete(world, world.ada)) == sentence("delete.done", title="Ada")
    seen = text(await world.grace.slash(world.channel, "voices community"))
    assert ("Eve" if command == "rename" else sentence("community.empty")) in seen
    assert "Ada" not in seen
    assert [str(voice_id)] * (command != "delete") == [str(voice["id"]) for voice in world.stored(world.ada)]


async def test_withdrawal_holds_although_the_voice_cannot_be_marked_yet(world: World, monkeypatch: pytest.MonkeyPatch):
    await approved(world)
    full_disk(monkeypatch, TinyPending, times=1, method="put_pending_deletion")
    await click(world, question(world), "button.revoke")
    answer = await click(world, question(world), "button.sure")
    assert answer.followups[0].content == sentence("refused.revoked_not_deleted", title="Grace by Ada")
    spoken = await speak(world, world.ada, "Grace by Ada")
    assert text(spoken) == sentence("refused.approval_revoked", name="grace")
    assert world.upstream.voices
    world.skip(INTERVAL_SECONDS)
    await until(lambda: not world.upstream.voices and not world.stored(world.ada))


@pytest.mark.parametrize("file", ["members/1.json", "speeches/a.json", "servers/1.json"])
async def test_export_says_if_a_file_that_may_name_the_member_cannot_be_read(world: World, file: str):
    await world.voice(world.ada, "Ada")
    (world.folder / file).write_bytes(b"{")
    exported = await world.ada.slash(world.channel, "voices export")
    assert text(exported) == sentence("export.unreadable")


class TestErasure:
    """`/voices forget` says that everything is deleted only when nothing is left."""

    async def test_nothing_is_left_on_disk_when_it_is_reported(self, world: World):
        await world.voice(world.ada, "Ada", share=True)
        await world.voice(world.grace, "Grace", share=True)
        await speak(world, world.ada, "Grace")
        assert sentence("forget.done", deleted=1) in text(await forget(world, world.ada))
        assert str(world.ada.id) not in on_disk(world)

    async def test_voice_that_mureka_still_has_is_reported_as_pending(self, world: World):
        await world.voice(world.ada, "One")
        await world.voice(world.ada, "Two")
        world.upstream.faults.append(Fault(method="DELETE", status=500))
        reply = text(await forget(world, world.ada))
        assert sentence("forget.unfinished", deleted=1) in reply
        assert sentence("forget.owed", owed=1) in reply
        assert str(world.ada.id) not in on_disk(world)
        assert text(await world.ada.slash(world.channel, "voices list")) != sentence("refused.being_forgotten")

    @pytest.mark.parametrize("eraser", ["owner", "speaker"])
    @pytest.mark.world(held=True)
    async def test_clone_in_progress_is_reported_and_deleted_afterwards(self, world: World, eraser: str):
        await asked(world)
        await click(world, question(world), "button.approve")
        await until(lambda: world.upstream.voices)
        who = world.ada if eraser == "owner" else world.grace
        reply = text(await forget(world, who))
        assert sentence("forget.unfinished", deleted=0) in reply
        assert sentence("forget.cloning") in reply
        world.release()
        await until(lambda: not world.upstream.voices and str(who.id) not in on_disk(world))

    @pytest.mark.parametrize("file", ["members/1.json", "speeches/x.json", "servers/{guild}.json"])
    async def test_unreadable_file_of_others_is_reported_and_keeps_nothing_else(self, world: World, file: str):
        await world.voice(world.ada, "Ada", share=True)
        await world.voice(world.grace, "Grace", share=True)
        await speak(world, world.ada, "Grace")
        damaged = world.folder / file.format(guild=world.guild_id)
        await world.restart()
        damaged.write_bytes(b"{")
        reply = text(await forget(world, world.ada))
        assert sentence("forget.unfinished", deleted=1) in reply
        assert sentence("forget.unreadable") in reply
        assert f"{world.ada.id}.json" not in on_disk(world)
        assert str(world.ada.id) not in read_file(world, "members", world.grace)
        assert shared_titles(world) == ["Grace"]
        for aside in damaged.parent.glob("*.damaged*"):
            aside.unlink()
        world.skip(3600)
        await until(lambda: str(world.ada.id) not in on_disk(world))

    async def test_unreadable_file_of_their_own_is_reported_and_blocks_their_voices(self, world: World):
        voice_id = await world.voice(world.ada, "Ada", share=True)
        own = world.folder / "members" / f"{world.ada.id}.json"
        content = own.read_bytes()
        await world.restart()
        own.write_bytes(b"[]")
        reply = text(await forget(world, world.ada))
        assert sentence("forget.unreadable") in reply
        assert sentence("forget.unfinished", deleted=0) in reply
        for aside in own.parent.glob("*.damaged*"):
            aside.unlink()
        own.write_bytes(content)
        used = text(await speak(world, world.grace, str(voice_id)))
        assert used in {sentence("refused.being_deleted", title="Ada"), UNKNOWN}
        world.skip(3600)
        await until(lambda: not world.upstream.voices and str(world.ada.id) not in on_disk(world))

    async def test_what_was_stored_meanwhile_is_found_and_erased(self, world: World, monkeypatch: pytest.MonkeyPatch):
        await world.voice(world.grace, "Grace", share=True)
        anonymize = TinyMembers.anonymize

        async def late(members: TinyMembers, member_id: int) -> None:
            await anonymize(members, member_id)
            monkeypatch.setattr(TinyMembers, "anonymize", anonymize)
            [voice] = await members.voices(world.grace.id)
            await members.add_clip(world.grace.id, Clip("x", voice.id, member_id, "ada", 1, "Late", 1.0))

        monkeypatch.setattr(TinyMembers, "anonymize", late)
        assert sentence("forget.unfinished", deleted=0) in text(await forget(world, world.ada))
        await until(lambda: str(world.ada.id) not in on_disk(world))

    async def test_voice_made_of_the_member_names_them_no_more_while_mureka_has_it(self, world: World):
        await approved(world)
        world.upstream.faults += [Fault(method="DELETE", status=500)] * 2
        reply = text(await forget(world, world.grace))
        assert sentence("forget.owed", owed=1) in reply
        [voice] = world.stored(world.ada)
        assert (voice["deleting"], voice["speaker"]) == (True, None)


def read_file(world: World, kind: str, who: simcord.MemberActor) -> str:
    return (world.folder / kind / f"{who.id}.json").read_text("utf-8")
