"""Permissions: each command, button and select for each kind of member, through Discord.

Each slash command is allowed to all members here, as a careless administrator could set it, and each button
and select is posted where the bot never posts it. A refused action must change nothing.
"""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import discord
import pytest
import pytest_asyncio
import simcord
from simcord.builders import ChannelHandle, GuildHandle
from simcord.results import InteractionResult

from bot.client.client import Clonevoice
from bot.cloning.job import CloneJob
from bot.moderation.models import Case, Report, ReportedClip, ReportedVoice, ReportReason
from bot.policy.models import UserRef
from bot.voices.models import Consent, Speaker, Statement, Voice
from support.audio import GOOD, mp3
from support.clocks import until
from support.moderators import Court, court_in
from support.people import MENU, clone_message
from support.reading import fields, replies, sentence
from support.world import World, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = (
    "member",
    "owner",  # Ada, whose voices, clones and cases these are
    "speaker",  # Linus, who approved them or is asked
    "role",  # a moderator by the role that is set
    "moderator",  # a moderator by permission
    "server owner",
    "blocked",
    "elsewhere",  # a member of another server, acting there
    "moderator elsewhere",
    "owner elsewhere",  # Ada again, acting in the other server
    "member elsewhere",
)

STRANGERS = ("blocked", "elsewhere", "moderator elsewhere", "member elsewhere")
"""They may change nothing of this server's people, allowed or not."""

YES = _ = "yes"
MISTAKE = sentence("error.unexpected", id="").strip()
REFUSALS: Mapping[str, str] = {
    "unknown": sentence("refused.voice_unknown"),
    "no mod": sentence("refused.not_moderator"),
    "blocked": sentence("rule.blocked", reason="spam"),
    "not theirs": sentence("refused.not_the_speaker"),
    "closed": sentence("refused.request_closed"),
    "lapsed": sentence("refused.offer_lapsed"),
    "forgotten": sentence("refused.sample_forgotten"),
    "own": sentence("refused.own_voice"),
    "not here": sentence("refused.voice_not_here"),
    "no case": sentence("refused.case_unknown"),
}

ANYBODY = (_,) * 11
MODERATORS = ("no mod", "no mod", "no mod", _, _, _, "no mod", "no mod", _, "no mod", "no mod")
ITS_MODERATORS = (*MODERATORS[:8], "not here", "no mod", "no mod")
CASE_S_MODERATORS = (*MODERATORS[:8], "no case", "no mod", "no mod")
OWNER = ("unknown", _, *("unknown",) * 7, _, "unknown")
HEARERS = (_, _, _, _, _, _, _, "unknown", "unknown", _, "unknown")
SPEAKERS_HERE = (_, _, _, _, _, _, "blocked", "unknown", "unknown", _, "unknown")
REPORTERS = (_, "own", _, _, _, _, "blocked", "unknown", "unknown", "unknown", "unknown")
ASKED = ("not theirs", "not theirs", _, *("not theirs",) * 8)
APPROVER = ("closed", "closed", _, *("closed",) * 8)
ITS_MEMBER = ("lapsed", _, *("lapsed",) * 7, _, "lapsed")
ALL_BUT_BLOCKED = (_, _, _, _, _, _, "blocked", _, _, _, _)

ROWS: Sequence[tuple[tuple[str, ...], str]] = (
    (ALL_BUT_BLOCKED, "/clonevoice sample={sample} title={blank} rights=own, Clone this voice"),
    (ALL_BUT_BLOCKED, "/speak voice={own} text=Hello, /voices share voice={own}"),
    (SPEAKERS_HERE, "/speak voice={shared} text=Hello, voice:speak:{shared}, form:speak:{shared}"),
    ((*OWNER[:6], "blocked", *OWNER[7:]), "voice:speak:{private}"),
    (OWNER, "/speak voice={private} text=Hello, /voices rename voice={private} title={title}"),
    (OWNER, "/voices delete voice={private}, /voices share voice={private}, /voices unshare voice={shared}"),
    (OWNER, "voice:share:{private}, voice:unshare:{shared}, voice:rename:{private}, voice:delete:{private}"),
    (OWNER, "voice:gone:{private}, voice:keep:{private}, voice:history:{private}, voice:lost:{private}"),
    (OWNER, "form:rename:{private}"),
    (OWNER, "page:history:0:{shared}"),
    (ANYBODY, "/help, /voices list, /voices community, /voices export, /voices forget, /voices delete voice={own}"),
    (ANYBODY, "/voices rename voice={own} title={title}, page:own:0:, page:community:0::, form:forget"),
    (("forgotten",) * 11, "form:cloning:1:1, sample:1=1"),
    (HEARERS, "/voices show voice={shared}, pick:voice={shared}"),
    (("unknown", _, _, *("unknown",) * 6, _, "unknown"), "/voices show voice={private}"),
    (MODERATORS, "/voiceadmin block member={newcomer} reason=no, /voiceadmin unblock member={barred}"),
    (MODERATORS, "switch:sharing:on, panel:limits"),
    (MODERATORS, "/voiceadmin settings, /voiceadmin voices, /voiceadmin blocked, /voiceadmin reports"),
    (
        MODERATORS,
        "/voiceadmin audit, rules:limits:max_clones_per_day=500, defaults:nothing, defaults:who:reset, page:blocked:0:",
    ),
    (MODERATORS, "page:audit:0::, page:reports:0:, page:roster:0::"),
    (ITS_MODERATORS, "/voiceadmin remove voice={shared} reason=no, pick:roster={shared}, takedown:{shared}"),
    (ITS_MODERATORS, "form:takedown:{shared}"),
    (REPORTERS, "report:{ada}:{shared}:-, reason:{ada}:{shared}:-=other"),
    (
        REPORTERS,
        "reason:{ada}:{shared}:-=hate, form:report:{ada}:{shared}:-",
    ),
    (ASKED, "consent:open:{asked}, consent:approve:{asked}, consent:refuse:{asked}"),
    (APPROVER, "consent:revoke:{ada}-{shared}, consent:stay:{ada}-{shared}, consent:sure:{ada}-{shared}"),
    (ITS_MEMBER, "clone:anyway:{waiting}, clone:mine:{waiting}, clone:cancel:{waiting}"),
    (("lapsed",) * 11, "clone:again:{waiting}"),  # nothing has failed
    (CASE_S_MODERATORS, "case:remove:{case}, case:dismiss:{case}, case:block:{case}"),
    (CASE_S_MODERATORS, "case:silence:{case}:{grace}, pick:case={case}, form:case:remove:{case}"),
    (CASE_S_MODERATORS, "form:case:block:{case}, form:case:silence:{case}:{grace}"),
    (CASE_S_MODERATORS, "case:remove_clip:{case}, form:case:remove_clip:{case}"),
)
TABLE = {name: row for row, names in ROWS for name in names.split(", ")}
"""The outcome of each action, in the order of `PEOPLE`.

An action is a command with options, the custom ID of a button, or that of a select with the chosen value.
In braces is what it is about (see `Deed.about`).
"""

CELLS = [
    pytest.param(action, who, outcome, id=f"{action} by {who}: {outcome}")
    for action, row in TABLE.items()
    for who, outcome in zip(PEOPLE, row, strict=True)
]


@dataclass
class Scene:
    """A server with all `PEOPLE`, and another server."""

    court: Court
    there: ChannelHandle
    actors: Mapping[str, tuple[simcord.MemberActor, ChannelHandle]]
    made: dict[int, Voice] = field(default_factory=dict[int, Voice])
    numbers: "count[int]" = field(default_factory=count)
    cases: set[int] = field(default_factory=set[int])
    waiting: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def world(self) -> World:
        return self.court.world

    def title(self) -> str:
        return f"Voice {next(self.numbers)}"

    async def voice(self, owner: simcord.MemberActor | None = None, *, shared: bool = True) -> int:
        """Give Ada or another member a voice cloned here with Linus's consent, shared or not.

        An unchanged voice of an earlier attempt is used again.
        """
        who, title = owner or self.world.ada, self.title()
        reported = {case.voice.voice_id for case in await self.world.store.servers.cases(self.world.guild_id)}
        for voice in await self.world.store.members.voices(who.id):
            same = self.made.get(voice.id) == voice and bool(voice.shared_in) is shared
            if same and voice.id not in reported:
                return voice.id
        guild = self.world.guild_id
        linus = Speaker(self.world.linus.id, "linus")
        voice_id = await self.world.voice(who, title, speaker=linus, guild_id=guild)
        statement = Statement(linus.id, "yes", 1, 1.0, guild, self.world.channel.id)
        consent = Consent(f"{who.id}-{voice_id}", who.id, who.user.name, title, statement, voice_id)
        await self.world.store.members.put_consent(consent)
        if shared:
            await self.world.ada.slash(self.world.channel, "voices share", voice=str(voice_id))
        voices = {voice.id: voice for voice in await self.world.store.members.voices(who.id)}
        self.made[voice_id] = voices[voice_id]
        return voice_id

    async def case(self) -> int:
        """Report a new voice of Ada's unless the last case is still open; return the ID of the case."""
        for case in await self.world.store.servers.cases(self.world.guild_id):
            if case.open and case.id in self.cases:
                return case.id
        voice_id = await self.voice()
        guild, case_id = self.world.guild_id, 10**9 + next(self.numbers)
        self.cases.add(case_id)
        target = ReportedVoice(voice_id, self.world.ada.id, "ada", "Voice", "", cloned_here=True)
        line = ReportedClip("Hi", self.world.grace.id, "grace", "https://discord.com")
        report = Report(self.world.linus.id, "linus", ReportReason.OTHER, 1.0, line)
        await self.world.store.servers.put_case(guild, Case(case_id, target, (report,)))
        return case_id

    async def forget_requests(self) -> None:
        """Let Linus be asked again, as if a day had passed."""
        gate, members = self.world.services.consents.gate, self.world.store.members
        gate._requests.clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - what the run remembers
        for request in await members.requests(self.world.linus.id):
            await members.remove_request(self.world.linus.id, request.job_id)

    async def job(self, kind: str) -> str:
        """Return the ID of a clone of Ada's that waits for Linus (`asked`) or for her own click."""
        job_id = self.waiting.get(kind, "")
        if not self.stage(job_id):
            asked: dict[str, Any] = {"rights": "permission", "speaker": self.world.linus}
            options = asked if kind == "asked" else {"sample": SHORT}
            before = {job.id for job in self.jobs()}
            await self.forget_requests()
            await self.world.send(self.world.ada, title=self.title(), wait=False, **options)
            [job_id] = [job.id for job in self.jobs() if job.id not in before]
            self.waiting[kind] = job_id
            await until(lambda: self.stage(job_id) == ("approval" if kind == "asked" else "waiting"))
            await until(lambda: kind != "asked" or any(job.speaker_notified for job in self.jobs()))
        return job_id

    async def newcomer(self, guild: GuildHandle, *, blocked: bool) -> simcord.MemberActor:
        member = guild.add_member(self.world.env.create_user(self.title().replace(" ", "-").lower()))
        if blocked:
            by, about = (UserRef(one.id, one.user.name) for one in (self.court.hedy, member))
            await self.world.services.rules.block(guild.id, by, about, "x", None)
        return member

    def jobs(self) -> list[CloneJob]:
        return self.world.services.cloner.unfinished(self.world.ada.id)

    def stage(self, job_id: str) -> str:
        return next((str(job.stage) for job in self.jobs() if job.id == job_id), "")

    async def settled(self) -> None:
        await until(lambda: not any(job.blocks_next_clone for job in self.jobs()))
        await until(lambda: not [*(self.world.folder / "speeches").iterdir()])
        await until(lambda: all(job.stage in {"waiting", "approval"} for job in self.jobs()))

    def snapshot(self) -> dict[str, bytes]:
        """Read the files of this server and its members, and the IDs of the API's voices."""
        there = str(self.there.guild.id if self.there.guild else 0)
        files = {
            str(file.relative_to(self.world.folder)): file.read_bytes()
            for kind in ("members", "servers", "jobs")
            for file in (self.world.folder / kind).glob("*.json")
            if there not in file.name
        }
        return files | {"voices": str(sorted(self.world.upstream.voices)).encode()}


SHORT = ("short.mp3", mp3(seconds=5))
BLANK = "ㅤ"
"""A title that is refused after the member has been checked."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Scene]:
    folder = tmp_path_factory.mktemp("permissions")
    async with opened(folder, keep_alive=False, max_voices_per_member=1000) as world:
        court = court_in(world)
        guild = world.ada.guild
        judge = guild.add_member(world.env.create_user("judge"), roles=[court.role])
        mallory = guild.add_member(world.env.create_user("mallory"))
        await court.choose("moderators", "moderator_role", [court.role])
        await court.block(mallory)
        other = world.env.create_guild("Elsewhere")
        there = other.create_text_channel("hall")
        eve = other.add_member(world.env.create_user("eve"))
        manages = other.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
        victor = other.add_member(world.env.create_user("victor"), roles=[manages])
        for command in await world.bot.tree.fetch_commands():
            for place in (guild, other):
                place.set_command_permissions(command, {place.default_role: True})
        here = world.channel
        actors = {
            "member": (world.grace, here),
            "owner": (world.ada, here),
            "speaker": (world.linus, here),
            "role": (judge, here),
            "moderator": (court.hedy, here),
            "server owner": (simcord.MemberActor(world.env, guild, guild.owner), here),
            "blocked": (mallory, here),
            "elsewhere": (eve, there),
            "moderator elsewhere": (victor, there),
            "owner elsewhere": (other.add_member(world.ada.user), there),
            "member elsewhere": (other.add_member(world.grace.user), there),
        }
        yield Scene(court, there, actors)


@dataclass
class Deed:
    """One attempt of a member; `before` is the snapshot just before it."""

    scene: Scene
    who: simcord.MemberActor
    channel: ChannelHandle
    before: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    async def about(self, name: str) -> Any:
        """Return what the action is about: an object of Ada's, unless it is the member's `own` voice."""
        scene, world = self.scene, self.scene.world
        match name:
            case "sample":
                return GOOD
            case "newcomer" | "barred":
                return await scene.newcomer(self.who.guild, blocked=name == "barred")
            case "ada" | "grace":
                found = getattr(world, name).id
            case "own" | "shared" | "private":
                found = await scene.voice(self.who if name == "own" else None, shared=name == "shared")
            case "case":
                found = await scene.case()
            case "asked" | "waiting":
                found = await scene.job(name)
            case _:
                found = {"title": scene.title(), "blank": BLANK}[name]
        return str(found)

    async def filled(self, template: str) -> Any:
        if whole := re.fullmatch(r"{(\w+)}", template):
            return await self.about(whole[1])  # not always a string
        for name in re.findall(r"{(\w+)}", template):
            template = template.replace(f"{{{name}}}", await self.about(name))
        return template

    async def do(self, action: str) -> InteractionResult:
        values = {name: await self.filled(value) for name, value in re.findall(r"([^ =]+)=(\S+)", action)}
        custom_id = await self.filled(action.partition("=")[0])
        await self.scene.settled()
        self.before = self.scene.snapshot()
        if action == MENU:
            return await clone_message(self.who, self.channel, self.who, title=BLANK)
        if action.startswith("/"):
            name = " ".join(word for word in action[1:].split() if "=" not in word)
            result = await self.who.slash(self.channel, name, **values)
            if name != "voices forget":
                return result
            return await self.who.submit_modal(result, {fields(result)[0]: "no"})
        if not values:
            sent = await self.scene.world.forge(custom_id, self.channel)
            return await self.who.click(sent, custom_id=custom_id)
        [value] = values.values()
        sent = await self.scene.world.forge_select(custom_id, value, channel=self.channel)
        return await self.who.select(sent, [value], custom_id=custom_id)


def came_of(result: InteractionResult) -> str:
    said = replies(result)
    if any(MISTAKE in one for one in said):
        return "mistake"
    return next((word for word, refusal in REFUSALS.items() if refusal in said), YES)


PROCEEDS = r"(?:clone:(?:anyway|mine|cancel)|consent:refuse):{(\w+)}"
"""Clicks after which a waiting clone proceeds. A message without the wording approves nothing."""


@pytest.mark.parametrize(("action", "who", "outcome"), CELLS)
async def test_action_is_allowed_or_refused_as_in_the_table(scene: Scene, action: str, who: str, outcome: str):
    deed = Deed(scene, *scene.actors[who])
    assert came_of(await deed.do(action)) == outcome
    if outcome == YES and (proceeds := re.match(PROCEEDS, action)):
        await until(lambda: scene.stage(scene.waiting[proceeds[1]]) not in {"waiting", "approval"})
    await scene.settled()
    card_moves = action.startswith("clone:again") and who in {"owner", "owner elsewhere"}
    if not card_moves and (outcome != YES or (who in STRANGERS and "{own}" not in action)):
        assert scene.snapshot() == deed.before
    if action.endswith(":reset") and outcome == YES:
        await scene.court.choose("moderators", "moderator_role", [scene.court.role])


def registered(bot: Clonevoice) -> set[str]:
    """Return the prefixes of all custom IDs that work after a restart."""
    names: set[str] = set()
    for pattern in bot.actions.handlers:
        name, _, arguments = pattern.pattern.partition(":(")
        actions = re.match(r"\?P<action>([\w|]+)\)", arguments)
        names |= {f"{name}:{action}" for action in actions[1].split("|")} if actions else {name}
    return names


async def test_each_registered_command_button_and_select_is_in_the_table(scene: Scene):
    bot = scene.world.bot
    commands = {
        f"/{command.qualified_name}"
        for top in bot.tree.get_commands(type=discord.AppCommandType.chat_input)
        for command in (top.commands if isinstance(top, discord.app_commands.Group) else [top])
    }
    menus = {command.name for command in bot.tree.get_commands(type=discord.AppCommandType.message)}
    known = registered(bot) | commands | menus
    in_table = {name for name in known for action in TABLE if re.match(rf"{name}\b", action)}
    assert in_table == known
    assert [action for action in TABLE if not re.match(rf"(?:{'|'.join(known)})\b", action)] == []
