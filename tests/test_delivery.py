"""How the end of a clone reaches its member, and what Discord's troubles cost: nothing but time."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
import simcord
from simcord.results import InteractionResult

from bot.audio.inspector import SampleInspector
from bot.audio.sample_info import SampleInfo
from bot.client.messenger import DeliveryError, DiscordMessenger
from bot.cloning.admission import Limits
from bot.cloning.errors import VoiceNotFound
from bot.cloning.job import CloneJob
from bot.cloning.stage import Stage
from bot.demo.upstream import Fault, Upstream
from bot.downloads import Previews
from bot.errors import ClonevoiceError, Refused
from bot.i18n import Markup
from bot.jobs.record import TOKEN_SECONDS, InteractionReply
from bot.mureka.client import MurekaClient
from bot.mureka.errors import AccountExhausted, Rejected
from bot.mureka.responses import VoiceResponse
from bot.store.tiny.jobs import TinyJobs
from bot.voices.models import Voice
from cogs._ui.live_message import EDIT_SECONDS
from cogs.clonevoice.presenter import LATE_SECONDS, DiscordClonePresenter
from conftest import GOOD, FastClock, ManualClock, World, buttons, opened, over, sentence, text, until
from test_jobs import ORDER
from test_live import MINE, NotedWays

ENDED = replace(MINE, stage=Stage.DONE)
VOICE = ENDED.voice(VoiceResponse(id=7), MINE.accepted_at)
OUTCOMES = [VOICE, Rejected(), VoiceNotFound()]
PASSING, FINAL = DeliveryError("503", passing=True), DeliveryError("403", passing=False)
MENTION = sentence("card.elsewhere", mention=Markup(f"<@{MINE.owner_id}>"))
DIRECT = "/channels/*/messages"


class TestEachWay:
    """Cards, with ways that note what was sent."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    async def ways(self, clock: ManualClock) -> NotedWays:
        return NotedWays(clock)

    @pytest.fixture
    async def cards(self, ways: NotedWays, clock: ManualClock) -> AsyncGenerator[DiscordClonePresenter]:
        async with aiohttp.ClientSession() as session:
            yield DiscordClonePresenter(ways, Previews(session), clock)

    @pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
    async def test_an_end_in_time_is_on_the_card_alone(
        self,
        cards: DiscordClonePresenter,
        ways: NotedWays,
        clock: ManualClock,
        outcome: Voice | ClonevoiceError,
    ):
        await clock.advance(LATE_SECONDS - 1)
        assert await cards.deliver(ENDED, outcome)
        assert [(sent.way, sent.to) for sent in ways.sent] == [("edit", ENDED.reply)]
        assert "Diary" in ways.sent[0].text

    @pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
    async def test_a_late_end_is_on_the_card_and_comes_by_dm_too(
        self,
        cards: DiscordClonePresenter,
        ways: NotedWays,
        clock: ManualClock,
        outcome: Voice | ClonevoiceError,
    ):
        await clock.advance(LATE_SECONDS + 1)
        assert await cards.deliver(ENDED, outcome)
        assert [(sent.way, sent.to) for sent in ways.sent] == [("edit", ENDED.reply), ("dm", ENDED.owner_id)]
        assert ways.sent[0].text == ways.sent[1].text

    @pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
    async def test_after_the_tokens_death_an_end_comes_by_dm(
        self,
        cards: DiscordClonePresenter,
        ways: NotedWays,
        clock: ManualClock,
        outcome: Voice | ClonevoiceError,
    ):
        await clock.advance(TOKEN_SECONDS)
        assert await cards.deliver(ENDED, outcome)
        assert [(sent.way, sent.to) for sent in ways.sent] == [("dm", ENDED.owner_id)]
        assert "Diary" in ways.sent[0].text

    async def test_a_card_that_is_gone_is_made_good_by_dm(
        self, cards: DiscordClonePresenter, ways: NotedWays
    ):
        ways.trouble["edit"] = FINAL
        assert await cards.deliver(ENDED, VOICE)
        assert await cards.deliver(replace(ENDED, reply=None), VOICE)
        assert [sent.way for sent in ways.sent] == ["edit", "dm", "dm"]

    @pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
    async def test_closed_dms_leave_a_mention_that_gives_nothing_away(
        self,
        cards: DiscordClonePresenter,
        ways: NotedWays,
        clock: ManualClock,
        outcome: Voice | ClonevoiceError,
    ):
        ways.trouble["dm"] = FINAL
        await clock.advance(TOKEN_SECONDS)
        assert await cards.deliver(ENDED, outcome)
        mention = ways.sent[-1]
        assert (mention.way, mention.to) == ("mention", ENDED.channel_id)
        assert mention.message == {"user_id": ENDED.owner_id, "content": MENTION}

    async def test_an_end_that_nobody_lets_through_counts_as_told(
        self, cards: DiscordClonePresenter, ways: NotedWays, clock: ManualClock
    ):
        ways.trouble |= dict.fromkeys(("edit", "dm", "mention"), FINAL)
        assert await cards.deliver(ENDED, VOICE)
        await clock.advance(TOKEN_SECONDS)
        assert await cards.deliver(ENDED, VOICE)
        assert [sent.way for sent in ways.sent] == ["edit", "dm", "mention", "dm", "mention"]

    @pytest.mark.parametrize(
        ("trouble", "tried"),
        [
            ({"edit": PASSING}, ["edit"]),
            ({"edit": FINAL, "dm": PASSING}, ["edit", "dm"]),
            ({"edit": FINAL, "dm": FINAL, "mention": PASSING}, ["edit", "dm", "mention"]),
        ],
    )
    async def test_passing_trouble_is_for_another_try_and_not_for_another_way(
        self,
        cards: DiscordClonePresenter,
        ways: NotedWays,
        trouble: dict[str, DeliveryError],
        tried: list[str],
    ):
        ways.trouble |= trouble
        assert not await cards.deliver(ENDED, VOICE)
        assert [sent.way for sent in ways.sent] == tried
        ways.trouble[tried[-1]] = FINAL
        assert await cards.deliver(ENDED, VOICE)

    @pytest.mark.parametrize("trouble", [PASSING, FINAL], ids=str)
    async def test_a_late_end_that_was_on_the_card_is_told_whatever_becomes_of_the_dm(
        self, cards: DiscordClonePresenter, ways: NotedWays, clock: ManualClock, trouble: DeliveryError
    ):
        ways.trouble |= {"dm": trouble, "mention": trouble}
        await clock.advance(LATE_SECONDS + 1)
        assert await cards.deliver(ENDED, VOICE)

    async def test_the_operator_who_can_not_be_reached_is_no_error(
        self, cards: DiscordClonePresenter, ways: NotedWays
    ):
        ways.trouble["tell_operator"] = FINAL
        await cards.alarm("a@example.com", AccountExhausted())
        await cards.alarm(None, AccountExhausted())
        named, unnamed = [sent.text for sent in ways.sent]
        assert "a\\@example\\.com" in named
        assert sentence("operator.only_account") in unnamed


async def card_of(world: World) -> tuple[InteractionResult, CloneJob, InteractionReply]:
    """Let a clone begin that goes no further than its first card."""
    world.cdn.delay = 30
    result = await world.send(wait=False)
    job = world.bot.cloner.running(world.ada.id)
    assert job is not None
    assert job.reply is not None
    return result, job, job.reply


def inbox(member: simcord.MemberActor) -> list[discord.Message]:
    """List a member's direct messages."""
    return member.user.dm_channel.history()


class TestDiscord:
    """The ways that Discord has."""

    @pytest.fixture
    async def world(self, tmp_path: Path) -> AsyncGenerator[World]:
        async with opened(tmp_path) as world:
            yield world

    @pytest.fixture
    def ways(self, world: World) -> DiscordMessenger:
        return DiscordMessenger(world.bot)

    async def test_a_card_is_edited_and_removed(self, world: World, ways: DiscordMessenger):
        result, _, reply = await card_of(world)
        with world.env.time_context():
            await ways.edit(reply, content="anew", embed=None, view=None)
            assert (text(result), buttons(result)) == ("anew", [])
            await ways.remove(reply)
        assert result.response is None

    async def test_a_direct_message_reaches_one_member(self, world: World, ways: DiscordMessenger):
        await ways.dm(world.ada.id, content="news")
        assert [message.content for message in inbox(world.ada)] == ["news"]
        assert inbox(world.grace) == []

    async def test_a_mention_pings_one_member_and_nobody_else(self, world: World, ways: DiscordMessenger):
        await ways.ping(world.channel.id, world.ada.id, f"{world.ada.mention} @everyone")
        (message,) = world.channel.history()
        assert message.content == f"{world.ada.mention} @everyone"
        (body,) = world.direct()
        pinged = body["allowed_mentions"]
        assert pinged["users"] == [world.ada.id]
        assert not pinged["parse"]
        assert not pinged.get("roles")

    @pytest.mark.parametrize("team", [False, True])
    async def test_the_operator_is_the_applications_owner_or_its_teams(
        self, world: World, ways: DiscordMessenger, monkeypatch: pytest.MonkeyPatch, *, team: bool
    ):
        own(world, monkeypatch, world.grace, team=team)
        await ways.tell_operator(content="trouble")
        assert [message.content for message in inbox(world.grace)] == ["trouble"]

    async def test_a_dead_token_is_final(self, world: World, ways: DiscordMessenger):
        _, _, reply = await card_of(world)
        with world.env.time_context():
            await world.env.advance_time(16 * 60)
            for doing in (ways.edit(reply, content="late"), ways.remove(reply)):
                with pytest.raises(DeliveryError) as caught:
                    await doing
                assert not caught.value.temporary

    @pytest.mark.parametrize(
        ("status", "code", "passing"),
        [
            (401, 50027, False),
            (403, 50007, False),
            (404, 10008, False),
            (429, 0, True),
            (500, 0, True),
            (502, 0, True),
            (503, 0, True),
        ],
    )
    async def test_a_refusal_is_final_and_a_fault_of_discords_passes(
        self,
        world: World,
        ways: DiscordMessenger,
        monkeypatch: pytest.MonkeyPatch,
        status: int,
        code: int,
        *,
        passing: bool,
    ):
        _, _, reply = await card_of(world)
        own(world, monkeypatch, world.grace, team=False)
        world.env.inject_error("*", "/webhooks/*", status=status, code=code, times=None)
        world.env.inject_error("*", DIRECT, status=status, code=code, times=None)
        tries: list[Callable[[], Awaitable[None]]] = [
            lambda: ways.edit(reply, content="x"),
            lambda: ways.remove(reply),
            lambda: ways.dm(world.ada.id, content="x"),
            lambda: ways.ping(world.channel.id, world.ada.id, "x"),
            lambda: ways.tell_operator(content="x"),
        ]
        with world.env.time_context():
            for attempt in tries:
                with pytest.raises(DeliveryError) as caught:
                    await attempt()
                assert caught.value.temporary is passing


def own(world: World, monkeypatch: pytest.MonkeyPatch, owner: simcord.MemberActor, *, team: bool) -> None:
    """Let somebody own the bot's application, or the team that it belongs to."""
    ask = world.bot.http.application_info

    async def application_info() -> Any:
        user = {"id": str(owner.id), "username": owner.name, "discriminator": "0", "avatar": None}
        if not team:
            return await ask() | {"owner": user}
        member = {"user": user, "membership_state": 2, "role": "admin", "permissions": ["*"], "team_id": "9"}
        owners = {"id": "9", "name": "crew", "icon": None, "owner_user_id": user["id"], "members": [member]}
        return await ask() | {"team": owners}

    monkeypatch.setattr(world.bot.http, "application_info", application_info)


async def test_after_the_tokens_death_a_voice_comes_by_dm_with_its_preview(tmp_path: Path):
    async with Upstream(clone_seconds=0.4) as upstream, opened(tmp_path, upstream) as world:
        result = await world.send(wait=False)
        await until(lambda: upstream.voices)
        await world.env.advance_time(16 * 60)
        await until(lambda: inbox(world.ada))
        (message,) = inbox(world.ada)
        assert message.embeds[0].title == sentence("voice.title", title="Ada")
        files = {file.filename: file for file in message.attachments}
        assert files.keys() == {"Ada.mp3", "cover.png"}
        assert await files["Ada.mp3"].read() == GOOD[1]
        assert not over(result), "the card is out of reach"
        await until(lambda: not world.jobs())
        assert world.channel.history(viewer=world.grace) == []


async def test_with_closed_dms_a_mention_calls_the_member_back(tmp_path: Path):
    clock = ManualClock()
    async with Upstream(clone_seconds=0.4) as upstream, opened(tmp_path, upstream, clock) as world:
        closed = f"/channels/{world.ada.user.dm_channel.id}/messages"
        world.env.inject_error("POST", closed, status=403, code=50007, times=None)
        await world.send(title="Diary", wait=False)
        await until(lambda: upstream.voices)
        await clock.advance(16 * 60)
        await until(lambda: not world.jobs())
        (message,) = world.channel.history(viewer=world.grace)
        assert message.content == sentence("card.elsewhere", mention=Markup(world.ada.mention))
        assert [user.id for user in message.mentions] == [world.ada.id]
        assert not message.embeds
        assert not message.attachments
        assert len(world.stored(world.ada)) == 1


async def test_an_end_is_told_once_discord_recovers_and_kept_until_then(tmp_path: Path):
    async with Upstream(clone_seconds=0.3) as upstream, opened(tmp_path, upstream, FastClock()) as world:
        result = await world.send(wait=False)
        await until(lambda: upstream.voices)
        world.env.inject_error("PATCH", "/webhooks/*", status=503, times=None)
        await until(lambda: any('"stage":"done"' in job for job in jobs_on_disk(world)))
        edits = len(world.edits())
        await until(lambda: len(world.edits()) >= edits + 2)
        assert not over(result)
        assert len(world.jobs()) == 2, "the job, and its sample"
        world.env.backend.faults.clear()
        await world.ended(result)
        await until(lambda: not world.jobs())
        assert len(world.posts()) == len(world.stored(world.ada)) == 1


async def test_a_dm_that_does_not_get_through_is_sent_again_later(tmp_path: Path):
    async with Upstream(clone_seconds=0.3) as upstream, opened(tmp_path, upstream, FastClock()) as world:
        await world.send(wait=False)
        await until(lambda: upstream.voices)
        world.env.inject_error("PATCH", "/webhooks/*", status=404, code=10008, times=None)
        world.env.inject_error("POST", DIRECT, status=500, times=2)
        await until(lambda: inbox(world.ada))
        await until(lambda: not world.jobs())
        (message,) = inbox(world.ada)
        assert await message.attachments[-1].read()
        assert len(world.direct()) == 3
        assert world.channel.history(viewer=world.grace) == [], "no mention: the trouble was passing"


@pytest.mark.parametrize(("status", "code"), [(401, 50027), (403, 50001), (404, 10008), (429, 0), (503, 0)])
async def test_a_discord_that_takes_no_edit_at_all_never_harms_a_clone(
    tmp_path: Path, status: int, code: int
):
    async with opened(tmp_path, clock=FastClock()) as world:
        world.env.inject_error("PATCH", "/webhooks/*", status=status, code=code, times=None)
        await world.send(wait=False)
        await until(lambda: world.stored(world.ada))
        if status in {429, 503}:
            await until(lambda: any('"stage":"done"' in job for job in jobs_on_disk(world)))
            world.env.backend.faults.clear()
        await until(lambda: not world.jobs())
        assert len(world.posts()) == len(world.stored(world.ada)) == 1
        assert len(inbox(world.ada)) == (status not in {429, 503})


async def test_a_slow_discord_does_not_hold_a_clone_up(world: World, monkeypatch: pytest.MonkeyPatch):
    edit, jam = DiscordMessenger.edit, asyncio.Event()

    async def slow_edit(ways: DiscordMessenger, reply: InteractionReply, **message: Any) -> None:
        await jam.wait()
        await edit(ways, reply, **message)

    monkeypatch.setattr(DiscordMessenger, "edit", slow_edit)
    command = asyncio.create_task(world.send())
    try:
        await until(lambda: world.stored(world.ada), seconds=2)
    finally:
        jam.set()
        result = await command
    assert sentence("voice.title", title="Ada") in text(result)


async def test_a_command_at_the_very_end_of_a_clone_hides_nothing_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    put_job, ending = TinyJobs.put, asyncio.Event()

    async def slow_end(store: TinyJobs, job: CloneJob) -> None:
        if job.stage is Stage.DONE:
            ending.set()
            await asyncio.sleep(0.05)
        await put_job(store, job)

    monkeypatch.setattr(TinyJobs, "put", slow_end)
    first = await world.send(wait=False)
    await ending.wait()
    second = await world.send(title="other", wait=False)
    await until(lambda: not world.jobs())
    assert sentence("voice.title", title="Ada") in text(first) + text(second)
    assert over(second)
    assert sentence("error.unexpected", id="") not in text(second)


def jobs_on_disk(world: World) -> list[str]:
    """Read the jobs as they lie on disk."""
    files = [world.folder / "jobs" / name for name in world.jobs() if name.endswith(".json")]
    return [file.read_text("utf-8") for file in files]


async def test_the_operator_hears_of_an_account_in_trouble_by_dm_and_once(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    own(world, monkeypatch, world.grace, team=False)
    world.upstream.faults += [Fault(method="POST", status=401)] * 2
    for member in (world.ada, world.linus):
        result = await world.send(member)
        assert sentence("mureka.token_refused") in text(result)
        await until(lambda: inbox(world.grace))
    (message,) = inbox(world.grace)
    name, problem = sentence("operator.only_account"), sentence("doctor.mureka.token_refused")
    assert message.content == sentence("operator.account", account=name, problem=Markup(problem))
    assert inbox(world.ada) == inbox(world.linus) == []


CROWD = 200
ACCOUNTS = ("a@example.com", "b@example.com")


class Watched:
    """The edits and sendings of a bot, noted while they happen; its samples are judged without decoding."""

    def __init__(self, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.edits = defaultdict[int, list[tuple[float, str]]](list)
        self.sent: dict[str, list[int]] = {account: [] for account in ACCOUNTS}
        self.busy = Counter[str]()
        self.most = Counter[str]()
        self.judging: list[asyncio.Future[None]] = []
        edit, clone = DiscordMessenger.edit, MurekaClient.clone

        async def noted_edit(ways: DiscordMessenger, reply: InteractionReply, **message: Any) -> None:
            lines = (message["embed"].description or "").splitlines()
            present = next(line[0] for line in lines if not line.startswith("✅"))
            self.edits[reply.message_id].append((clock.monotonic(), present))
            await edit(ways, reply, **message)

        async def noted_clone(mureka: MurekaClient, sample: bytes, **given: Any) -> VoiceResponse:
            account = given["account"]
            self.sent[account].append(int(given["title"]))
            self.busy[account] += 1
            self.most |= self.busy
            try:
                return await clone(mureka, sample, **given)
            finally:
                self.busy[account] -= 1

        async def inspect(inspector: SampleInspector, sample: bytes) -> SampleInfo:
            del inspector, sample
            loop = asyncio.get_running_loop()
            if self.judging:  # every other sample is ready before the one that came first
                loop.call_later(0.02, self.judging.pop().set_result, None)
            else:
                self.judging.append(loop.create_future())
                await self.judging[0]
            return SampleInfo(12.0, "MP3", 44100, 1, 64000, -3.0, -20.0)

        monkeypatch.setattr(SampleInspector, "inspect", inspect)
        monkeypatch.setattr(DiscordMessenger, "edit", noted_edit)
        monkeypatch.setattr(MurekaClient, "clone", noted_clone)


async def test_200_commands_at_once_are_cloned_in_their_order_one_at_a_time_on_each_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = ManualClock()
    watched = Watched(clock, monkeypatch)
    async with (
        Upstream(accounts=ACCOUNTS, clone_seconds=0.02, page_size=CROWD) as upstream,
        opened(tmp_path, upstream, clock, useapi_accounts=ACCOUNTS) as world,
    ):
        # Both accounts are told to wait, so that nothing is cloned until all are in the queue.
        upstream.faults += [Fault(method="POST", status=429, headers={"Retry-After": "60"})] * len(ACCOUNTS)
        guild, env = world.ada.guild, world.env
        members = [guild.add_member(env.create_user(f"member{number}")) for number in range(CROWD)]
        for number, member in enumerate(members):
            began = time.perf_counter()
            assert (await world.send(member, title=f"{number}", wait=False)).acknowledged
            assert time.perf_counter() - began < 1
            await clock.advance(0.01)
        await until(lambda: all(stage_of(world, member) is Stage.QUEUED for member in members))
        assert len(world.posts()) == len(ACCOUNTS)
        for titles in watched.sent.values():
            titles.clear()

        await clock.advance(60)
        while world.jobs():
            await clock.advance(0.1)
            await asyncio.sleep(0.01)
        assert all(len(world.stored(member)) == 1 for member in members)
    for titles in watched.sent.values():
        assert titles == sorted(titles)
        assert len(titles) > CROWD / len(ACCOUNTS) / 2
    assert sorted(chain(*watched.sent.values())) == list(range(CROWD))
    assert watched.most == dict.fromkeys(ACCOUNTS, 1)
    assert len(watched.edits) == CROWD
    for edits in watched.edits.values():
        for (sooner, before), (later, after) in pairwise(edits):
            assert before != after or later - sooner >= EDIT_SECONDS


def stage_of(world: World, member: simcord.MemberActor) -> Stage | None:
    """Return where the clone of a member stands."""
    job = world.bot.cloner.running(member.id)
    return job and job.stage


async def test_200_orders_at_the_same_instant_are_accepted_within_a_second(world: World):
    async def accepted(number: int) -> float:
        await world.bot.cloner.accept(replace(ORDER, owner_id=number))
        return time.perf_counter() - began

    began = time.perf_counter()
    assert max(await asyncio.gather(*map(accepted, range(CROWD)))) < 1
    assert len(world.jobs()) == CROWD


async def test_no_more_are_accepted_than_there_is_room_for_also_at_the_same_instant(world: World):
    room = Limits(sample_bytes=1, voices=1).under_way
    orders = [replace(ORDER, owner_id=number) for number in range(room + 10)]
    answers = await asyncio.gather(*map(world.bot.cloner.accept, orders), return_exceptions=True)
    assert Counter(map(type, answers)) == {CloneJob: room, Refused: 10}
    assert {str(one.key) for one in answers if isinstance(one, Refused)} == {"refused.queue_full"}
