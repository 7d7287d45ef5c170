"""How the result of a clone reaches its member while Discord fails."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from itertools import chain, cycle
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord
from simcord.results import InteractionResult

from bot.audio.inspector import SampleInspector
from bot.audio.sample_info import SampleInfo
from bot.client.messenger import DeliveryError, Messenger
from bot.client.notifier import DiscordNotifier
from bot.cloning.admission import MAX_UNFINISHED
from bot.cloning.errors import VoiceNotFound
from bot.cloning.job import CloneJob, Stage
from bot.demo.upstream import Fault, Upstream
from bot.errors import ClonevoiceError, Refused
from bot.i18n import Markup, escape_markdown
from bot.jobs.record import TOKEN_SECONDS, InteractionReply
from bot.mureka.client import MurekaClient
from bot.mureka.errors import AccountExhausted, Rejected
from bot.mureka.responses import VoiceResponse
from bot.store.tiny.jobs import TinyJobs
from bot.voices.models import Voice
from cogs.clonevoice.presenter import LATE_SECONDS, DiscordClonePresenter
from support.audio import GOOD
from support.builders import JOB
from support.clocks import FastClock, ManualClock, turns, until
from support.faults import hanging
from support.messenger import MINE, Recorder
from support.reading import buttons, over, read_files, sentence, text
from support.world import World, opened

ENDED = replace(MINE, stage=Stage.DONE)
VOICE = ENDED.to_voice(VoiceResponse(id=7), MINE.accepted_at)
OUTCOMES = [VOICE, Rejected(), VoiceNotFound()]
PASSING, FINAL = DeliveryError("503", temporary=True), DeliveryError("403", temporary=False)
MENTION = sentence("card.elsewhere", mention=Markup(f"<@{MINE.owner_id}>"))
DIRECT = "/channels/*/messages"
CODES = {401: 50027, 403: 50007, 404: 10008}
"""Discord's final errors: an invalid token, a member without direct messages, an unknown message."""


class TestPresenter:
    """The presenter with a messenger that records what it is given."""

    @pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
    @pytest.mark.parametrize(
        ("seconds", "failing", "trouble", "tried"),
        [
            (LATE_SECONDS - 1, "", FINAL, "edit"),
            (LATE_SECONDS + 1, "", FINAL, "edit dm"),
            (LATE_SECONDS + 1, "dm mention", PASSING, "edit dm"),
            (LATE_SECONDS + 1, "dm mention", FINAL, "edit dm mention"),
            (TOKEN_SECONDS, "", FINAL, "dm"),
            (TOKEN_SECONDS, "dm", FINAL, "dm mention"),
            (TOKEN_SECONDS, "dm mention", FINAL, "dm mention"),
            (0, "edit", FINAL, "edit dm"),
            (0, "edit dm mention", FINAL, "edit dm mention"),
        ],
    )
    async def test_result_is_on_the_card_in_a_dm_or_announced_by_a_mention_without_details(
        self,
        cards: DiscordClonePresenter,
        ways: Recorder,
        outcome: Voice | ClonevoiceError,
        seconds: float,
        failing: str,
        trouble: DeliveryError,
        tried: str,
    ):
        ways.trouble |= dict.fromkeys(failing.split(), trouble)
        await ways.clock.advance(seconds)
        assert await cards.deliver(ENDED, outcome)
        receivers = {"edit": ENDED.reply, "dm": ENDED.owner_id, "mention": ENDED.channel_id}
        assert [(sent.way, sent.to) for sent in ways.sent] == [(way, receivers[way]) for way in tried.split()]
        [result] = {sent.text for sent in ways.sent if sent.way != "mention"}
        assert "Diary" in result
        for sent in ways.sent:
            assert sent.way != "mention" or sent.message == {"user_id": ENDED.owner_id, "content": MENTION}

    @pytest.mark.parametrize("tried", [["edit"], ["edit", "dm"], ["edit", "dm", "mention"]])
    async def test_temporary_error_is_retried_on_the_same_channel(
        self, cards: DiscordClonePresenter, ways: Recorder, tried: list[str]
    ):
        ways.trouble |= dict.fromkeys(tried, FINAL) | {tried[-1]: PASSING}
        assert not await cards.deliver(ENDED, VOICE)
        assert [sent.way for sent in ways.sent] == tried
        ways.trouble[tried[-1]] = FINAL
        assert await cards.deliver(ENDED, VOICE)

    @pytest.mark.parametrize("closed", [False, True])
    async def test_only_one_message_offers_to_try_again(
        self, cards: DiscordClonePresenter, ways: Recorder, *, closed: bool
    ):
        if closed:
            ways.trouble["dm"] = FINAL
        await ways.clock.advance(LATE_SECONDS + 1)
        assert await cards.deliver(replace(MINE, stage=Stage.FAILED, outcome_unknown_since=1.0), VoiceNotFound())
        arrived = [sent for sent in ways.sent if sent.way not in ways.trouble]
        offers = {sent.way: bool(sent.message.get("view")) for sent in arrived}
        assert offers == ({"edit": True, "mention": False} if closed else {"edit": False, "dm": True})

    async def test_unreachable_operator_is_not_an_error(self, ways: Recorder):
        ways.trouble["tell_operator"] = FINAL
        alerts = DiscordNotifier(ways)
        await alerts.account_failed("a@example.com", AccountExhausted())
        await alerts.account_failed(None, AccountExhausted())
        named, unnamed = [sent.text for sent in ways.sent]
        assert "a\\@example\\.com" in named
        assert str(escape_markdown(sentence("operator.only_account"))) in unnamed


async def card_of(world: World) -> tuple[InteractionResult, InteractionReply]:
    """Start a clone that stays at its first card."""
    world.cdn.delay = 30
    result = await world.send(wait=False)
    job = world.services.cloner.running(world.ada.id)
    assert job is not None
    assert job.reply is not None
    return result, job.reply


def inbox(member: simcord.MemberActor) -> list[discord.Message]:
    return member.user.dm_channel.history()


class TestMessenger:
    """The messenger with the simulated Discord."""

    @pytest.fixture
    async def world(self, tmp_path: Path) -> AsyncGenerator[World]:
        async with opened(tmp_path) as world:
            yield world

    @pytest.fixture
    def ways(self, world: World) -> Messenger:
        return Messenger(world.bot)

    async def test_card_can_be_edited(self, world: World, ways: Messenger):
        result, reply = await card_of(world)
        with world.env.time_context():
            await ways.edit(reply, content="anew", embed=None, view=None)
            assert (text(result), buttons(result)) == ("anew", [])

    async def test_dm_and_mention_reach_one_member(self, world: World, ways: Messenger):
        await ways.dm(world.ada.id, content="news")
        assert [message.content for message in inbox(world.ada)] == ["news"]
        assert inbox(world.grace) == []
        await ways.ping(world.channel.id, world.ada.id, f"{world.ada.mention} @everyone")
        (message,) = world.channel.history()
        assert message.content == f"{world.ada.mention} @everyone"
        pinged = world.direct()[-1]["allowed_mentions"]
        assert {kind: which for kind, which in pinged.items() if which} == {"users": [world.ada.id]}

    @pytest.mark.parametrize("team", [False, True])
    async def test_operator_is_the_owner_of_the_application_or_its_team(
        self, world: World, ways: Messenger, monkeypatch: pytest.MonkeyPatch, *, team: bool
    ):
        own(world, monkeypatch, world.grace, team=team)
        await ways.tell_operator(content="trouble")
        assert [message.content for message in inbox(world.grace)] == ["trouble"]

    @pytest.mark.parametrize("status", [*CODES, 429, 500, 502, 503])
    async def test_client_errors_are_final_and_server_errors_temporary(
        self, world: World, ways: Messenger, monkeypatch: pytest.MonkeyPatch, status: int
    ):
        _, reply = await card_of(world)
        own(world, monkeypatch, world.grace, team=False)
        for path in ("/webhooks/*", DIRECT):
            world.env.inject_error("*", path, status=status, code=CODES.get(status, 0), times=None)
        tries: list[Callable[[], Awaitable[None]]] = [
            lambda: ways.edit(reply, content="x"),
            lambda: ways.dm(world.ada.id, content="x"),
            lambda: ways.ping(world.channel.id, world.ada.id, "x"),
            lambda: ways.tell_operator(content="x"),
        ]
        with world.env.time_context():
            for attempt in tries:
                with pytest.raises(DeliveryError) as caught:
                    await attempt()
                assert caught.value.temporary is (status not in CODES)


def own(world: World, monkeypatch: pytest.MonkeyPatch, owner: simcord.MemberActor, *, team: bool) -> None:
    """Make a member the owner of the bot's application or of its team."""
    ask = world.bot.http.application_info

    async def application_info() -> Any:
        user = {"id": str(owner.id), "username": owner.name, "discriminator": "0", "avatar": None}
        if not team:
            return await ask() | {"owner": user}
        member = {"user": user, "membership_state": 2, "role": "admin", "permissions": ["*"], "team_id": "9"}
        owners = {"id": "9", "name": "crew", "icon": None, "owner_user_id": user["id"], "members": [member]}
        return await ask() | {"team": owners}

    monkeypatch.setattr(world.bot.http, "application_info", application_info)


@pytest.mark.parametrize("closed", [False, True])
async def test_voice_comes_by_dm_or_mention_after_the_token_expired(tmp_path: Path, *, closed: bool):
    async with opened(tmp_path, held=True) as world:
        if closed:
            private = f"/channels/{world.ada.user.dm_channel.id}/messages"
            world.env.inject_error("POST", private, status=403, code=50007, times=None)
        result = await world.send(wait=False)
        await until(lambda: world.upstream.voices)
        await world.env.advance_time(16 * 60)
        world.release()
        await until(lambda: not world.jobs())
        assert not over(result), "the card cannot be edited"
        assert len(world.stored(world.ada)) == 1
        (message,) = world.channel.history(viewer=world.grace) if closed else inbox(world.ada)
        if closed:
            assert message.content == sentence("card.elsewhere", mention=Markup(world.ada.mention))
            assert [user.id for user in message.mentions] == [world.ada.id]
            assert not message.embeds
            assert not message.attachments
        else:
            assert message.embeds[0].title == sentence("voice.ready", title="Ada")
            files = {file.filename: file for file in message.attachments}
            assert files.keys() == {"Ada.mp3", "cover.png"}
            assert await files["Ada.mp3"].read() == GOOD[1]
            assert world.channel.history(viewer=world.grace) == []


@pytest.mark.parametrize("status", CODES)
async def test_result_comes_by_dm_if_discord_rejects_all_edits_and_is_sent_again_if_the_dm_fails(
    tmp_path: Path, status: int
):
    async with opened(tmp_path, clock=FastClock(), held=True) as world:
        await world.send(wait=False)
        await until(lambda: world.upstream.voices)
        world.env.inject_error("PATCH", "/webhooks/*", status=status, code=CODES[status], times=None)
        world.env.inject_error("POST", DIRECT, status=500, times=2)
        world.release()
        await world.later(lambda: inbox(world.ada))
        await world.later(lambda: not world.jobs())
        (message,) = inbox(world.ada)
        assert await message.attachments[-1].read()
        assert len(world.posts()) == len(world.stored(world.ada)) == 1
        assert len(world.direct()) == 3
        assert world.channel.history(viewer=world.grace) == [], "no mention, because the error was temporary"


@pytest.mark.parametrize("status", [429, 503])
async def test_result_is_kept_until_discord_recovers(world: World, status: int):
    world.env.inject_error("PATCH", "/webhooks/*", status=status, times=None)
    result = await world.send(wait=False)
    await until(lambda: any('"stage":"done"' in job for job in read_files(world.folder, "jobs/*.json").values()))
    edits = len(world.edits())
    await world.later(lambda: len(world.edits()) >= edits + 2)
    assert not over(result)
    assert len(world.jobs()) == 2, "the job, and its sample"
    world.env.backend.faults.clear()
    await world.later(lambda: over(result))
    await until(lambda: not world.jobs())
    assert len(world.posts()) == len(world.stored(world.ada)) == 1
    assert inbox(world.ada) == []


async def test_slow_discord_does_not_delay_a_clone(world: World, monkeypatch: pytest.MonkeyPatch):
    edited = hanging(monkeypatch, Messenger, "edit")
    await world.send(wait=False)
    await until(lambda: world.stored(world.ada))
    assert edited.is_set()


async def test_second_command_at_the_end_of_a_clone_hides_no_result(world: World, monkeypatch: pytest.MonkeyPatch):
    put_job, ending = TinyJobs.put, asyncio.Event()

    async def slow_end(store: TinyJobs, job: CloneJob) -> None:
        if job.stage is Stage.DONE:
            ending.set()
            await turns(200)
        await put_job(store, job)

    monkeypatch.setattr(TinyJobs, "put", slow_end)
    first = await world.send(wait=False)
    await ending.wait()
    second = await world.send(title="other", wait=False)
    await until(lambda: not world.jobs())
    assert sentence("voice.ready", title="Ada") in text(first) + text(second)
    assert over(second)
    assert sentence("error.unexpected", id="") not in text(second)


CROWD = 40
ACCOUNTS = ("a@example.com", "b@example.com")


async def test_40_commands_are_cloned_in_order_one_per_account_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock, clone = ManualClock(), MurekaClient.clone
    delays = cycle((0.0, 0.025, 0.0))  # each third sample is inspected later than the next one
    busy, most = Counter[str](), Counter[str]()

    async def inspect(*_: object) -> SampleInfo:
        await clock.sleep(next(delays))
        return SampleInfo(12.0, "MP3", 44100, 1, 64000, -3.0, -20.0)

    async def noted_clone(mureka: MurekaClient, sample: bytes, **given: Any) -> VoiceResponse:
        nonlocal most
        busy[given["account"]] += 1
        most |= busy
        try:
            return await clone(mureka, sample, **given)
        finally:
            busy[given["account"]] -= 1

    monkeypatch.setattr(SampleInspector, "inspect", inspect)
    monkeypatch.setattr(MurekaClient, "clone", noted_clone)
    async with (
        Upstream(accounts=ACCOUNTS, clone_seconds=0.02, page_size=CROWD) as upstream,
        opened(tmp_path, upstream, clock, useapi_accounts=ACCOUNTS) as world,
    ):
        # Both accounts get a 429, so that nothing is cloned until all jobs are queued.
        upstream.faults += [Fault(method="POST", status=429, headers={"Retry-After": "60"})] * len(ACCOUNTS)
        guild, env = world.ada.guild, world.env
        members = [guild.add_member(env.create_user(f"member{number}")) for number in range(CROWD)]
        for number, member in enumerate(members):
            assert (await world.send(member, title=f"{number}", wait=False)).acknowledged
            await clock.advance(0.01)
        running = world.services.cloner.running
        queued = {Stage.QUEUED}
        await clock.advance_until(lambda: {(job := running(one.id)) and job.stage for one in members} == queued, 0.001)
        assert len(world.posts()) == len(ACCOUNTS)
        await clock.advance(60)
        await clock.advance_until(lambda: not world.jobs(), 0.1)
        assert all(len(world.stored(member)) == 1 for member in members)
        made = [[int(voice.title) for voice in upstream.voices.values() if voice.account == name] for name in ACCOUNTS]
    for titles in made:
        assert titles == sorted(titles)
        assert len(titles) > CROWD / len(ACCOUNTS) / 2
    assert sorted(chain(*made)) == list(range(CROWD))
    assert most == dict.fromkeys(ACCOUNTS, 1)


async def test_requests_at_the_same_instant_do_not_exceed_the_queue_limit(world: World):
    room = MAX_UNFINISHED
    jobs = [replace(JOB, id=f"{number}-0", owner_id=number) for number in range(room + 10)]
    accepting = [world.services.cloner.admission.accept(job, sample_size=1) for job in jobs]
    answers = await asyncio.gather(*accepting, return_exceptions=True)
    assert Counter(map(type, answers)) == {CloneJob: room, Refused: 10}
    assert {str(one.key) for one in answers if isinstance(one, Refused)} == {"refused.queue_full"}
