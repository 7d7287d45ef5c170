"""While Discord has not sent a server yet, as after a start or in an outage, nobody is refused there."""

from collections.abc import Callable

import pytest
import simcord

from support.clocks import until
from support.consents import ask
from support.moderators import Court, complain, decide, logged, logged_case, shared
from support.people import clone_message
from support.reading import replies, sentence, text
from support.world import World

State = Callable[[World], None]


def announced(world: World) -> None:
    """Let the bot know of the server what READY says."""
    connection = world.bot._connection  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its cache
    connection._add_guild_from_data({"id": world.guild_id, "unavailable": True})  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportArgumentType] - as for READY


def unknown(world: World) -> None:
    """Let the bot know nothing of the server, as after a GUILD_DELETE during an outage."""
    connection = world.bot._connection  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its cache
    connection._guilds.pop(world.guild_id)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its cache


loading = pytest.mark.parametrize("loading", [announced, unknown])


def with_role(court: Court, name: str = "ida") -> simcord.MemberActor:
    return court.world.ada.guild.add_member(court.world.env.create_user(name), roles=[court.role])


@loading
class TestLoading:
    """Roles and permissions come with the interaction, everything else is asked for or left open."""

    async def test_role_that_may_clone_counts(self, court: Court, world: World, loading: State):
        await court.choose("who", "clone_roles", [court.role])
        ida = with_role(court)
        loading(world)
        assert sentence("voice.ready", title="Ada") in text(await world.send(ida))
        assert text(await world.send(world.grace)) != sentence("voice.ready", title="Ada")

    async def test_everyone_counts_as_a_role(self, court: Court, world: World, loading: State):
        await world.services.rules.change(world.guild_id, court.verdict().by, clone_roles=(world.guild_id,))
        loading(world)
        assert sentence("voice.ready", title="Ada") in text(await world.send())

    async def test_moderator_role_counts(self, court: Court, world: World, loading: State):
        await court.choose("moderators", "moderator_role", [court.role])
        case = (await logged_case(court)).history()[-1]
        ida = with_role(court)
        loading(world)
        refused = await world.linus.click(case, label=sentence("button.case.dismiss"))
        assert sentence("refused.not_moderator") in replies(refused)
        await decide(ida, case, "dismiss")
        assert await court.cases() == []

    async def test_permission_counts_and_the_panel_misses_nothing(self, court: Court, world: World, loading: State):
        log = await logged(court)
        await court.choose("who", "clone_roles", [court.role])
        loading(world)
        shown = text(await court.panel())
        assert f"<#{log.id}>" in shown
        assert f"<@&{court.role.id}>" in shown
        assert not {sentence(f"panel.{key}") for key in ("gone", "some_gone", "log_gone")} & set(shown.splitlines())

    async def test_server_owner_may_decide_about_themself_and_cannot_be_blocked(
        self, court: Court, world: World, loading: State
    ):
        case = (await logged_case(court)).history()[-1]
        world.env.backend.get_guild(world.guild_id).owner_id = world.ada.id
        loading(world)
        assert text(await court.block(world.ada)) == sentence("refused.act_on_server_owner")
        await decide(world.ada, case, "dismiss")
        assert await court.cases() == []

    async def test_moderator_is_not_refused_if_the_owner_cannot_be_queried(
        self, court: Court, world: World, loading: State
    ):
        loading(world)
        world.env.inject_error("GET", f"/guilds/{world.guild_id}", status=503, times=None)
        assert text(await court.block(world.grace)) == sentence("block.done", name="grace")

    async def test_case_is_posted_to_the_log_channel(self, court: Court, world: World, loading: State):
        log = await logged(court)
        await shared(world)
        loading(world)
        await complain(world, world.grace)
        await until(lambda: log.history()[-1].components)

    async def test_speaker_can_be_asked(self, world: World, loading: State):
        loading(world)
        assert "to approve.**" in text(await ask(world))

    async def test_message_can_be_cloned(self, world: World, loading: State):
        loading(world)
        card = await clone_message(world.ada, world.channel, world.ada)
        await until(lambda: sentence("voice.ready", title="Ada") in text(card))
