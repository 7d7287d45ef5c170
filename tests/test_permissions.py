"""Permissions: each command, button and select for each kind of member, through Discord.

Each slash command is allowed to all members here, as a careless administrator could set it, and each button
and select is posted where the bot never posts it. A refused action must change nothing.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import discord
import pytest
import pytest_asyncio
import simcord
from simcord.builders import ChannelHandle
from simcord.results import InteractionResult

from bot.client.client import Clonevoice
from bot.cloning.job import CloneJob
from bot.moderation.models import Case, Report, ReportedClip, ReportedVoice, ReportReason
from bot.policy.models import UserRef
from bot.voices.models import Consent, Speaker, Statement, Voice
from support.audio import GOOD, mp3
from support.clocks import until
from support.moderators import Court, court_in
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

SUFFIXES = (" shared", " private", " own")
"""Which voice the action is about."""

YES = "yes"
MISTAKE = sentence("error.unexpected", id="").strip()
REFUSALS: Mapping[str, str] = {
    "unknown": sentence("refused.voice_unknown"),
    "no mod": sentence("refused.not_moderator"),
    "blocked": sentence("rule.blocked", reason="spam"),
    "not theirs": sentence("refused.not_the_speaker"),
    "closed": sentence("refused.request_closed"),
    "lapsed": sentence("refused.offer_lapsed"),
    "own": sentence("refused.own_voice"),
    "not here": sentence("refused.voice_not_here"),
    "no case": sentence("refused.case_unknown"),
}

_ = YES
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
    (ALL_BUT_BLOCKED, "/clonevoice, Clone this voice, /speak own, /voices share own"),
    (SPEAKERS_HERE, "/speak shared, voice:speak"),
    (OWNER, "/speak private, /voices rename, /voices delete, /voices share, /voices unshare, voice:share"),
    (OWNER, "voice:unshare, voice:rename, voice:delete, voice:gone, voice:keep, voice:history, voice:lost"),
    (OWNER, "page:history"),
    (ANYBODY, "/voices list, /voices community, /voices export, /voices forget, /voices rename own"),
    (ANYBODY, "/voices delete own, page:own, page:community"),
    (HEARERS, "/voices show shared, pick:voice"),
    (("unknown", _, _, *("unknown",) * 6, _, "unknown"), "/voices show private"),
    (MODERATORS, "/voiceadmin settings, /voiceadmin voices, /voiceadmin block, /voiceadmin unblock"),
    (MODERATORS, "/voiceadmin blocked, /voiceadmin reports, /voiceadmin audit, rules, defaults, page:blocked"),
    (MODERATORS, "page:audit, page:reports, page:roster"),
    (ITS_MODERATORS, "/voiceadmin remove, pick:roster, takedown"),
    ((*OWNER[:6], "blocked", *OWNER[7:]), "voice:speak private"),
    (REPORTERS, "report, reason"),
    (ASKED, "consent:open, consent:approve, consent:refuse"),
    (APPROVER, "consent:revoke, consent:stay, consent:sure"),
    (ITS_MEMBER, "clone:anyway, clone:mine, clone:cancel"),
    (("lapsed",) * 11, "clone:again"),  # nothing has failed
    (CASE_S_MODERATORS, "case:remove, case:dismiss, case:block, case:silence, pick:case"),
)
TABLE = {name: row for row, names in ROWS for name in names.split(", ")}
"""The outcome of each action, in the order of `PEOPLE`."""

CELLS = [
    pytest.param(deed, who, outcome, id=f"{deed} by {who}: {outcome}")
    for deed, row in TABLE.items()
    for who, outcome in zip(PEOPLE, row, strict=True)
]


@dataclass
class Scene:
    """A server with all `PEOPLE`, and another server."""

    court: Court
    there: ChannelHandle
    actors: Mapping[str, tuple[simcord.MemberActor, ChannelHandle]]
    made: dict[int, Voice] = field(default_factory=dict[int, Voice])
    numbers: list[int] = field(default_factory=list[int])
    waiting: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def world(self) -> World:
        return self.court.world

    def title(self) -> str:
        self.numbers.append(len(self.numbers))
        return f"Voice {len(self.numbers)}"

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
            if case.open and case.reports[0].reporter_id == self.world.linus.id:
                return case.id
        voice_id = await self.voice()
        guild, case_id = self.world.guild_id, 10**9 + len(self.numbers)
        target = ReportedVoice(voice_id, self.world.ada.id, "ada", "Voice", "", cloned_here=True)
        line = ReportedClip("Hi", self.world.grace.id, "grace", "https://discord.com")
        report = Report(self.world.linus.id, "linus", ReportReason.OTHER, 1.0, line)
        await self.world.store.servers.put_case(guild, Case(case_id, target, (report,)))
        return case_id

    async def job(self, kind: str) -> str:
        """Return the ID of a clone of Ada's that waits for Linus (`asked`) or for her own click."""
        job_id = self.waiting.get(kind, "")
        if not self.stage(job_id):
            options: dict[str, Any] = {"rights": "permission", "speaker": self.world.linus}
            if kind != "asked":
                options = {"rights": "own", "sample": SHORT}
            before = {job.id for job in self.jobs()}
            gate = self.world.services.consents.gate
            gate._requests.clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as if a day had passed
            await self.world.send(self.world.ada, title=self.title(), wait=False, **options)
            [job_id] = [job.id for job in self.jobs() if job.id not in before]
            self.waiting[kind] = job_id
            await until(lambda: self.stage(job_id) == ("approval" if kind == "asked" else "waiting"))
            await until(lambda: kind != "asked" or any(job.speaker_notified for job in self.jobs()))
        return job_id

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Scene]:
    async with AsyncExitStack() as stack:
        folder = tmp_path_factory.mktemp("permissions")
        world = await stack.enter_async_context(opened(folder, keep_alive=False, max_voices_per_member=1000))
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

    async def command(self, name: str, **options: Any) -> InteractionResult:
        await self._begin()
        return await self.who.slash(self.channel, name, **options)

    async def click(self, custom_id: str) -> InteractionResult:
        await self._begin()
        sent = await self.scene.world.forge(custom_id, self.channel)
        return await self.who.click(sent, custom_id=custom_id)

    async def choose(self, custom_id: str, value: str) -> InteractionResult:
        await self._begin()
        sent = await self.scene.world.forge_select(custom_id, value, channel=self.channel)
        return await self.who.select(sent, [value], custom_id=custom_id)

    async def _begin(self) -> None:
        await self.scene.settled()
        self.before = self.scene.snapshot()


BLANK = "ㅤ"
"""A title that is refused after the member has been checked."""


async def _clone_this(deed: Deed) -> InteractionResult:
    deed.before = deed.scene.snapshot()
    message = await deed.who.send(deed.channel, attachments=[GOOD])
    form = await deed.who.context_menu(deed.channel, "Clone this voice", message)
    title, rights, _speaker, language, _description = fields(form)
    return await deed.who.submit_modal(form, {title: BLANK, rights: ["own"], language: ["en"]})


ASK_NOTHING = ("list", "community", "export", "settings", "voices", "blocked", "reports", "audit")
"""Subcommands without a required option."""


async def _prepared(deed: Deed, name: str) -> InteractionResult:  # noqa: C901, PLR0911 - a table of deeds
    """Do an action on a new object of Ada's."""
    scene, world = deed.scene, deed.scene.world
    match name.split(" "):
        case ["/clonevoice"]:
            return await deed.command("clonevoice", sample=GOOD, title=BLANK, rights="own")
        case ["Clone", *_]:
            return await _clone_this(deed)
        case ["/voices", "forget"]:
            form = await deed.command("voices forget")
            return await deed.who.submit_modal(form, {fields(form)[0]: "no"})
        case [_, what] if what in ASK_NOTHING:
            return await deed.command(name[1:])
        case ["/speak", whose]:
            own = deed.who if whose == "own" else None
            voice = await scene.voice(own, shared=whose == "shared")
            return await deed.command("speak", voice=str(voice), text="Hello")
        case ["/voices", "show", how]:
            return await deed.command("voices show", voice=str(await scene.voice(shared=how == "shared")))
        case ["/voices", what, *own]:
            voice = await scene.voice(deed.who if own else None, shared=what == "unshare")
            options = {"title": scene.title()} if what == "rename" else {}
            return await deed.command(f"voices {what}", voice=str(voice), **options)
        case ["/voiceadmin", "remove"]:
            return await deed.command("voiceadmin remove", voice=str(await scene.voice()), reason="no")
        case ["/voiceadmin", what]:
            victim = deed.who.guild.add_member(world.env.create_user(scene.title().replace(" ", "-").lower()))
            if what == "block":
                return await deed.command("voiceadmin block", member=victim, reason="no")
            by, member = (UserRef(one.id, one.user.name) for one in (scene.court.hedy, victim))
            await scene.world.services.rules.block(deed.who.guild.id, by, member, "x", None)
            return await deed.command("voiceadmin unblock", member=victim)
        case _:
            kind, _, wish = name.removesuffix(" private").partition(":")
            return await _pressed(deed, kind, wish, shared=not name.endswith(" private"))


async def _pressed(deed: Deed, kind: str, wish: str, *, shared: bool) -> InteractionResult:  # noqa: PLR0911 - as above
    """Press a button, or choose from a select, about an object of Ada's."""
    scene, ada = deed.scene, deed.scene.world.ada.id
    buttons: dict[str, Callable[[], Awaitable[object]]] = {
        "voice": lambda: scene.voice(shared=shared and wish in {"speak", "unshare"}),
        "clone": lambda: scene.job("own"),
        "case": scene.case,
        "takedown": scene.voice,
    }
    selects = {"pick:case": scene.case, "pick:voice": scene.voice, "pick:roster": scene.voice}
    name = f"{kind}:{wish}" if wish else kind
    match kind, wish:
        case _ if kind in buttons:
            of = f":{scene.world.grace.id}" if wish == "silence" else ""
            return await deed.click(f"{name}:{await buttons[kind]()}{of}")
        case _ if name in selects:
            return await deed.choose(name, str(await selects[name]()))
        case "consent", "open" | "approve" | "refuse":
            return await deed.click(f"{name}:{await scene.job('asked')}")
        case "consent", _:
            return await deed.click(f"{name}:{ada}-{await scene.voice()}")
        case "report", _:
            return await deed.click(f"report:{ada}:{await scene.voice()}:-")
        case "reason", _:
            return await deed.choose(f"reason:{ada}:{await scene.voice()}:-", "other")
        case "rules", _:
            return await deed.choose("rules:limits:max_clones_per_day", "500")
        case "defaults", _:
            return await deed.click("defaults:nothing")
        case _:
            of = {"history": await scene.voice(), "community": ":", "audit": ":", "roster": ":"}
            return await deed.click(f"page:{wish}:0:{of.get(wish, '')}")


def came_of(result: InteractionResult) -> str:
    said = replies(result)
    if any(MISTAKE in one for one in said):
        return "mistake"
    return next((word for word, refusal in REFUSALS.items() if refusal in said), YES)


PROCEEDS = {"clone:anyway": "own", "clone:mine": "own", "clone:cancel": "own"} | dict.fromkeys(
    ("consent:approve", "consent:refuse"), "asked"
)
"""Clicks after which a waiting clone proceeds, and its kind."""


async def tried(scene: Scene, name: str, who: str) -> str:
    """Let a member try an action; return its outcome. Check that a refusal changed nothing."""
    if name == "defaults":  # the action resets it
        await scene.court.choose("moderators", "moderator_role", [scene.court.role])
    deed = Deed(scene, *scene.actors[who])
    outcome = came_of(await _prepared(deed, name))
    if outcome == YES and (kind := PROCEEDS.get(name)):
        await until(lambda: scene.stage(scene.waiting[kind]) not in {"waiting", "approval"})
    await scene.settled()
    if name == "clone:again" and who in {"owner", "owner elsewhere"}:  # at least the card moves
        return outcome
    if outcome != YES or (who in STRANGERS and not name.endswith(" own")):
        assert scene.snapshot() == deed.before
    return outcome


@pytest.mark.parametrize(("deed", "who", "outcome"), CELLS)
async def test_action_is_allowed_or_refused_as_in_the_table(scene: Scene, deed: str, who: str, outcome: str):
    assert await tried(scene, deed, who) == outcome


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
    names = {name.rsplit(" ", 1)[0] if name.endswith(SUFFIXES) else name for name in TABLE}
    assert registered(bot) | commands | menus == names
