"""Cards of clones and clips that were canceled, and cards that a newer message replaced."""

from collections.abc import Awaitable, Callable

import pytest
from simcord.results import InteractionResult

from bot.demo.upstream import Fault
from bot.i18n import Markup
from bot.jobs.record import TOKEN_SECONDS
from cogs._ui.formatting import GREY
from support.audio import mp3
from support.clocks import until
from support.consents import asked, click, job_id
from support.moderators import Court
from support.people import SPEECH, forget, speak, speech_ended
from support.reading import buttons, embed_of, message, sentence, text
from support.world import World, on_disk

SHORT = ("short.mp3", mp3(seconds=6))


async def confirming(world: World) -> InteractionResult:
    """Start a clone that asks its member about the length of the sample."""
    card = await world.send(sample=SHORT, wait=False)
    await until(lambda: sentence("button.anyway") in buttons(card))
    return card


class TestCanceled:
    """A canceled card is gray and says so: nothing has failed."""

    @staticmethod
    def check(card: InteractionResult, key: str, **values: object) -> None:
        embed = embed_of(card)
        assert (embed.title, embed.color) == (sentence("card.canceled", title="Ada"), GREY)
        assert embed.description == sentence(key, **values)
        assert "⚠" not in text(card)
        assert buttons(card) == []

    async def test_by_its_member(self, world: World):
        card = await confirming(world)
        await world.press(card, "button.cancel")
        await world.ended(card)
        self.check(card, "refused.cancelled")

    async def test_by_its_member_while_the_speaker_is_asked(self, world: World):
        card, _ = await asked(world, title="Ada")
        await world.press(card, "button.cancel")
        await world.ended(card)
        self.check(card, "refused.cancelled")

    async def test_by_its_member_who_has_everything_deleted(self, world: World):
        card = await confirming(world)
        await forget(world, world.ada)
        await world.ended(card)
        self.check(card, "refused.cancelled")

    async def test_by_a_moderator_who_blocks_its_member(self, court: Court, world: World):
        card = await confirming(world)
        await court.block(world.ada)
        await world.ended(card)
        self.check(card, "rule.blocked", reason="spam")

    async def test_by_the_speaker_who_withdraws_the_approval(self, world: World):
        world.upstream.faults.append(Fault(method="GET", then="hang"))
        card, question = await asked(world, title="Ada")
        await click(world, question, "button.approve")
        await until(lambda: sentence("stage.present.queued") in text(card))
        await click(world, world.grace.user.dm_channel.history()[-1], "button.revoke")
        await click(world, world.grace.user.dm_channel.history()[-1], "button.sure")
        await world.ended(card)
        self.check(card, "refused.approval_revoked", name="grace")

    async def test_but_a_speaker_who_declines_is_an_answer(self, world: World):
        card, question = await asked(world, title="Ada")
        await click(world, question, "button.refuse")
        await world.ended(card)
        assert (embed_of(card).title, embed_of(card).color) == (sentence("card.failed", title="Ada"), GREY)

    async def test_clip_of_a_member_who_has_everything_deleted(self, world: World):
        await world.voice(world.ada, "Ada")
        world.upstream.faults.append(Fault(method="POST", path=SPEECH, status=429, headers={"Retry-After": "300"}))
        card = await speak(world, world.ada, wait=False)
        await until(lambda: world.upstream.requests)
        await forget(world, world.ada)
        await until(lambda: speech_ended(card))
        assert (embed_of(card).title, embed_of(card).color) == (sentence("line.canceled", title="Ada"), GREY)


async def by_command(world: World) -> InteractionResult:
    return await world.send(title="Other", wait=False)


async def by_list(world: World) -> InteractionResult:
    return await world.ada.slash(world.channel, "voices list")


async def by_list_elsewhere(world: World) -> InteractionResult:
    channel, [ada] = world.elsewhere(world.ada)
    return await ada.slash(channel, "voices list")


SHOWS = [by_command, by_list, by_list_elsewhere]
Show = Callable[[World], Awaitable[InteractionResult]]


async def downloading(world: World) -> InteractionResult:
    """Start a clone that stays at its first stage."""
    world.cdn.delay = 300
    card = await world.send(wait=False)
    await until(lambda: sentence("button.cancel") in buttons(card))
    return card


def points_to(old: InteractionResult, new: InteractionResult) -> bool:
    link = Markup(message(new).message.jump_url)
    return embed_of(old).description == sentence("card.moved", link=link) and buttons(old) == []


class TestReplaced:
    """A card that a newer one replaced loses its buttons and points to the newer one."""

    @pytest.mark.parametrize("show", SHOWS)
    async def test_by_a_command(self, world: World, show: Show):
        old = await downloading(world)
        new = await show(world)
        await until(lambda: points_to(old, new))
        assert buttons(new) == [sentence("button.cancel")]

    @pytest.mark.parametrize("show", SHOWS)
    async def test_by_a_command_after_a_restart(self, world: World, show: Show):
        old = await downloading(world)
        await world.restart()
        new = await show(world)
        await until(lambda: points_to(old, new))

    async def test_by_the_card_of_a_request_that_the_list_opens(self, world: World):
        old, _ = await asked(world)
        listed = await by_list(world)
        new = await world.ada.select(message(listed), [job_id(world)], custom_id="pick:voice")
        await until(lambda: points_to(old, new))
        assert buttons(new) == [sentence("button.cancel")]

    @pytest.mark.parametrize("error", [(404, 10008), (401, 50027), (503, 0)])
    async def test_by_a_command_though_the_old_card_cannot_be_edited(self, world: World, error: tuple[int, int]):
        old = await downloading(world)
        path = f"/webhooks/*/messages/{message(old).id}"
        world.env.inject_error("PATCH", path, status=error[0], code=error[1], times=None)
        new = await by_list(world)
        world.cdn.delay = 0
        await world.press(new, "button.cancel")
        await world.ended(new)
        assert sentence("card.canceled", title="Ada") in text(new)
        assert not points_to(old, new)

    async def test_by_an_older_message_whose_button_is_pressed(self, world: World):
        older = await downloading(world)
        world.skip(TOKEN_SECONDS)
        await until(lambda: '"reply":null' in on_disk(world))
        newer = await by_list(world)
        assert buttons(older) == buttons(newer) == [sentence("button.cancel")]
        await world.press(older, "button.cancel")
        await world.ended(older)
        assert sentence("card.canceled", title="Ada") in text(older)
        await until(lambda: points_to(newer, older))

    async def test_older_message_shows_the_present_state_if_its_button_fails(self, world: World):
        world.upstream.faults.append(Fault(method="POST", then="hang"))
        older = await downloading(world)
        world.skip(TOKEN_SECONDS)
        await until(lambda: '"reply":null' in on_disk(world))
        newer = await by_list(world)
        world.cdn.delay = 0
        await world.restart()
        await until(lambda: sentence("stage.passed.uploading") in text(newer))
        click = await world.press(older, "button.cancel")
        assert [said.content for said in click.followups] == [sentence("refused.too_late")]
        await until(lambda: sentence("stage.passed.uploading") in text(older) and points_to(newer, older))

    async def test_older_message_of_a_clone_that_ended_loses_its_buttons(self, world: World):
        older = await downloading(world)
        world.skip(TOKEN_SECONDS)
        await until(lambda: '"reply":null' in on_disk(world))
        newer = await by_list(world)
        await world.press(newer, "button.cancel")
        await world.ended(newer)
        await until(lambda: not world.jobs())
        assert buttons(older)
        click = await world.press(older, "button.cancel")
        assert [said.content for said in click.followups] == [sentence("refused.offer_lapsed")]
        assert buttons(older) == []
