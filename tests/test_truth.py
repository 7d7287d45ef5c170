"""What the bot reports as done is done, and what failed is told, after faults of the store in between."""

import pytest

from bot.consent import INTERVAL_SECONDS
from bot.store.tiny.members import TinyMembers
from bot.store.tiny.pending import TinyPending
from bot.store.tiny.servers import TinyServers
from support.clocks import until
from support.consents import approved, click, question
from support.faults import full_disk
from support.people import delete, press, speak
from support.reading import sentence, text
from support.world import World


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
    await until(lambda: not world.upstream.voices and not world.stored(world.ada))


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
    assert answer.followups == []
    assert question(world).content == sentence("consent.revoked", owner="ada", title="Grace by Ada")
    spoken = await speak(world, world.ada, "Grace by Ada")
    assert text(spoken) == sentence("refused.approval_revoked", name="grace")
    assert world.upstream.voices
    world.skip(INTERVAL_SECONDS)
    await until(lambda: not world.upstream.voices and not world.stored(world.ada))
