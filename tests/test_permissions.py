"""Who may do what: everybody with every command and button, each cell through Discord.

Every slash command is allowed to everybody here, as a careless administrator could do it, and every button
and select is put where nobody would have been given it. What may not be done must change nothing.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import discord
import pytest
import pytest_asyncio
import simcord
from simcord.builders import ChannelHandle
from simcord.results import InteractionResult

from audio import mp3
from bot.client.client import Clonevoice
from bot.cloning.admission import Ledger
from bot.cloning.job import CloneJob
from bot.moderation.models import Case, Report, ReportedClip, ReportedVoice, ReportReason
from bot.policy.models import UserRef
from bot.voices.models import Consent, Speaker, Statement, Voice
from cogs._ui.paginator import LISTS
from conftest import GOOD, World, opened, sentence, text, until
from test_voiceadmin import Court, court_in
from test_voices import fields

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = (
    "member",
    "owner",  # Ada, whose voices, clones and cases these are
    "speaker",  # Linus, who approved them or is asked
    "role",  # a moderator by the role that is set
    "moderator",  # one by permission
    "server owner",
    "blocked",
    "elsewhere",  # a member of another server, acting there
    "moderator elsewhere",
)

STRANGERS = ("blocked", "elsewhere", "moderator elsewhere")
"""Of whom nothing may change anything of this server's people, allowed or not."""

SUFFIXES = (" shared", " private", " own")
"""Whose voice it is, where that matters."""

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
ANYBODY = (_,) * 9
MODERATORS = ("no mod", "no mod", "no mod", _, _, _, "no mod", "no mod", _)
ITS_MODERATORS = (*MODERATORS[:8], "not here")
CASE_S_MODERATORS = (*MODERATORS[:8], "no case")
OWNER = ("unknown", _, *("unknown",) * 7)
HEARERS = (_, _, _, _, _, _, _, "unknown", "unknown")
SPEAKERS_HERE = (_, _, _, _, _, _, "blocked", "unknown", "unknown")
REPORTERS = (_, "own", _, _, _, _, "blocked", "unknown", "unknown")
ASKED = ("not theirs", "not theirs", _, *("not theirs",) * 6)
APPROVER = ("closed", "closed", _, *("closed",) * 6)
ITS_MEMBER = ("lapsed", _, *("lapsed",) * 7)
NOBODY_BLOCKED = (_, _, _, _, _, _, "blocked", _, _)

TABLE: Mapping[str, tuple[str, ...]] = {
    "/clonevoice": NOBODY_BLOCKED,
    "Clone this voice": NOBODY_BLOCKED,
    "/speak shared": SPEAKERS_HERE,
    "/speak private": OWNER,
    "/speak own": NOBODY_BLOCKED,
    "/voices list": ANYBODY,
    "/voices community": ANYBODY,
    "/voices export": ANYBODY,
    "/voices forget": ANYBODY,
    "/voices show shared": HEARERS,
    "/voices show private": ("unknown", _, _, *("unknown",) * 6),
    "/voices rename": OWNER,
    "/voices delete": OWNER,
    "/voices share": OWNER,
    "/voices unshare": OWNER,
    "/voices share own": NOBODY_BLOCKED,
    "/voices rename own": ANYBODY,
    "/voices delete own": ANYBODY,
    "/voiceadmin settings": MODERATORS,
    "/voiceadmin voices": MODERATORS,
    "/voiceadmin remove": ITS_MODERATORS,
    "/voiceadmin block": MODERATORS,
    "/voiceadmin unblock": MODERATORS,
    "/voiceadmin blocked": MODERATORS,
    "/voiceadmin reports": MODERATORS,
    "/voiceadmin audit": MODERATORS,
    "voice:speak": SPEAKERS_HERE,
    "voice:share": OWNER,
    "voice:unshare": OWNER,
    "voice:rename": OWNER,
    "voice:delete": OWNER,
    "voice:gone": OWNER,
    "voice:keep": OWNER,
    "voice:history": OWNER,
    "voice:lost": OWNER,
    "pick:voice": HEARERS,
    "report": REPORTERS,
    "reason": REPORTERS,
    "consent:open": ASKED,
    "consent:approve": ASKED,
    "consent:refuse": ASKED,
    "consent:revoke": APPROVER,
    "consent:stay": APPROVER,
    "consent:sure": APPROVER,
    "clone:anyway": ITS_MEMBER,
    "clone:mine": ITS_MEMBER,
    "clone:cancel": ITS_MEMBER,
    "clone:again": ("lapsed",) * 9,  # nothing has failed
    "case:remove": CASE_S_MODERATORS,
    "case:dismiss": CASE_S_MODERATORS,
    "case:block": CASE_S_MODERATORS,
    "case:silence": CASE_S_MODERATORS,
    "pick:case": CASE_S_MODERATORS,
    "pick:roster": ITS_MODERATORS,
    "takedown": ITS_MODERATORS,
    "rules": MODERATORS,
    "defaults": MODERATORS,
    "page:own": ANYBODY,
    "page:community": ANYBODY,
    "page:history": OWNER,
    "page:blocked": MODERATORS,
    "page:audit": MODERATORS,
    "page:reports": MODERATORS,
    "page:roster": MODERATORS,
}
"""What comes of it, in the order of `PEOPLE`."""

CELLS = [
    pytest.param(deed, who, outcome, id=f"{deed} by {who}: {outcome}")
    for deed, row in TABLE.items()
    for who, outcome in zip(PEOPLE, row, strict=True)
]


@dataclass
class Scene:
    """A server with everybody in it, and another one."""

    court: Court
    there: ChannelHandle
    actors: Mapping[str, tuple[simcord.MemberActor, ChannelHandle]]
    made: dict[int, Voice] = field(default_factory=dict[int, Voice])
    numbers: list[int] = field(default_factory=list[int])
    waiting: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def world(self) -> World:
        return self.court.world

    @property
    def store(self) -> Any:
        return self.world.bot.cloner._store  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - to set the scene

    def title(self) -> str:
        """Return a title that nothing has yet."""
        self.numbers.append(len(self.numbers))
        return f"Voice {len(self.numbers)}"

    async def voice(self, owner: simcord.MemberActor | None = None, *, shared: bool = True) -> int:
        """Give Ada, or somebody, a voice that Linus has approved; cloned here, and perhaps shared.

        One that is still as it was made does as well: whose try was refused has left it so.
        """
        who, title = owner or self.world.ada, self.title()
        reported = await self.reported()
        for voice in await self.store.members.voices(who.id):
            same = self.made.get(voice.id) == voice and bool(voice.shared_in) is shared
            if same and voice.id not in reported:
                return voice.id
        guild = self.world.ada.guild.id
        linus = Speaker(self.world.linus.id, "linus")
        voice_id = await self.world.voice(who, title, speaker=linus, guild_id=guild)
        statement = Statement(linus.id, "yes", 1, 1.0, guild, self.world.channel.id)
        consent = Consent(f"{who.id}-{voice_id}", who.id, who.user.name, title, statement, voice_id)
        await self.store.members.put_consent(consent)
        if shared:
            await self.world.ada.slash(self.world.channel, "voices share", voice=str(voice_id))
        for voice in await self.store.members.voices(who.id):
            if voice.id == voice_id:
                self.made[voice_id] = voice
        return voice_id

    async def reported(self) -> set[int]:
        """Return the ids of the voices that somebody reported."""
        return {case.target.voice_id for case in await self.store.servers.cases(self.world.ada.guild.id)}

    async def case(self) -> int:
        """Report a new voice of Ada's, unless the last case is still open; return the case's id."""
        for case in await self.store.servers.cases(self.world.ada.guild.id):
            if case.open and case.reports[0].reporter_id == self.world.linus.id:
                return case.id
        voice_id = await self.voice()
        guild, case_id = self.world.ada.guild.id, 10**9 + len(self.numbers)
        target = ReportedVoice(voice_id, self.world.ada.id, "ada", "Voice", "", cloned_here=True)
        line = ReportedClip("Hi", self.world.grace.id, "grace", "https://discord.com")
        report = Report(self.world.linus.id, "linus", ReportReason.OTHER, 1.0, line)
        await self.store.servers.put_case(guild, Case(case_id, target, (report,)))
        return case_id

    async def job(self, kind: str) -> str:
        """Return the id of a clone of Ada's that waits for Linus (`asked`), or for her own click."""
        job_id = self.waiting.get(kind, "")
        if not self.stage(job_id):
            options: dict[str, Any] = {"rights": "permission", "speaker": self.world.linus}
            if kind != "asked":
                options = {"rights": "own", "sample": SHORT}
            before = {job.id for job in self.jobs()}
            self.ledger._asked.clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as if a day had passed
            await self.world.send(self.world.ada, title=self.title(), wait=False, **options)
            [job_id] = [job.id for job in self.jobs() if job.id not in before]
            self.waiting[kind] = job_id
            await until(lambda: self.stage(job_id) == ("approval" if kind == "asked" else "waiting"))
            await until(lambda: kind != "asked" or any(job.speaker_notified for job in self.jobs()))
        return job_id

    @property
    def ledger(self) -> Ledger:
        return self.world.bot.cloner._ledger  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above

    def jobs(self) -> list[CloneJob]:
        return [*self.ledger.of(self.world.ada.id)]

    def stage(self, job_id: str) -> str:
        return next((str(job.stage) for job in self.jobs() if job.id == job_id), "")

    async def settled(self) -> None:
        """Wait until nothing goes on by itself."""
        await until(lambda: not any(job.blocks_next_clone for job in self.jobs()))
        await until(lambda: not [*(self.world.folder / "speeches").iterdir()])
        await until(lambda: all(job.stage in {"waiting", "approval"} for job in self.jobs()))

    def snapshot(self) -> dict[str, bytes]:
        """Read what this server's people have on disk, and which voices the API has."""
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
        }
        yield Scene(court, there, actors)


@dataclass
class Deed:
    """One try of somebody's; `before` is how things stood just before it."""

    scene: Scene
    who: simcord.MemberActor
    channel: ChannelHandle
    before: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    async def command(self, name: str, **options: Any) -> InteractionResult:
        await self._begin()
        return await self.who.slash(self.channel, name, **options)

    async def click(self, custom_id: str) -> InteractionResult:
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(label="x", custom_id=custom_id))
        return await self.who.click(await self._sent(view), custom_id=custom_id)

    async def choose(self, custom_id: str, value: str) -> InteractionResult:
        view = discord.ui.View(timeout=None)
        options = [discord.SelectOption(label="x", value=value)]
        view.add_item(discord.ui.Select(custom_id=custom_id, options=options))
        return await self.who.select(await self._sent(view), [value], custom_id=custom_id)

    async def _begin(self) -> None:
        await self.scene.settled()
        self.before = self.scene.snapshot()

    async def _sent(self, view: discord.ui.View) -> discord.Message:
        await self._begin()
        return await self.scene.world.bot.get_partial_messageable(self.channel.id).send("x", view=view)


async def _clone(deed: Deed) -> InteractionResult:
    """Clone under a title that is refused after who clones has been checked."""
    return await deed.command("clonevoice", sample=GOOD, title="ㅤ", rights="own")


async def _clone_this(deed: Deed) -> InteractionResult:
    deed.before = deed.scene.snapshot()
    message = await deed.who.send(deed.channel, attachments=[GOOD])
    form = await deed.who.context_menu(deed.channel, "Clone this voice", message)
    title, rights, _speaker, language, _description = fields(form)
    return await deed.who.submit_modal(form, {title: "ㅤ", rights: ["own"], language: ["en"]})


async def _forget(deed: Deed) -> InteractionResult:
    form = await deed.command("voices forget")
    return await deed.who.submit_modal(form, {fields(form)[0]: "no"})


ASK_NOTHING = (*("list", "community", "export", "settings", "voices", "blocked", "reports", "audit"),)
"""Subcommands without a required option."""


async def _prepared(deed: Deed, name: str) -> InteractionResult:  # noqa: C901, PLR0911 - a table of deeds
    """Do a deed on something of Ada's that was made for it."""
    scene, world = deed.scene, deed.scene.world
    match name.split(" "):
        case ["/clonevoice"]:
            return await _clone(deed)
        case ["Clone", *_]:
            return await _clone_this(deed)
        case ["/voices", "forget"]:
            return await _forget(deed)
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
            await scene.world.bot.moderation.block(deed.who.guild.id, by, member, "x", None)
            return await deed.command("voiceadmin unblock", member=victim)
        case _:
            return await _pressed(deed, *name.split(":"))


async def _pressed(deed: Deed, kind: str, wish: str = "") -> InteractionResult:  # noqa: PLR0911 - as above
    """Press a button, or choose from a select, that is about something of Ada's."""
    scene = deed.scene
    ada = scene.world.ada.id
    buttons: dict[str, Callable[[], Awaitable[object]]] = {
        "voice": lambda: scene.voice(shared=wish in {"speak", "unshare"}),
        "clone": lambda: scene.job("own"),
        "case": scene.case,
        "takedown": scene.voice,
    }
    selects: dict[str, Callable[[], Awaitable[object]]] = {
        "pick:case": scene.case,
        "pick:voice": scene.voice,
        "pick:roster": scene.voice,
    }
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
    """Say in one word what somebody was answered."""
    said = [text(result), *(one.content for one in result.followups)]
    if any(MISTAKE in one for one in said):
        return "mistake"
    return next((word for word, refusal in REFUSALS.items() if refusal in said), YES)


async def tried(scene: Scene, name: str, who: str) -> str:
    """Let somebody try something; return what came of it, a refusal having changed nothing."""
    if name == "defaults":  # what they would undo
        await scene.court.choose("moderators", "moderator_role", [scene.court.role])
    deed = Deed(scene, *scene.actors[who])
    outcome = came_of(await _prepared(deed, name))
    await scene.settled()
    if name == "clone:again" and who == "owner":  # then at least the card moves
        return outcome
    if outcome != YES or (who in STRANGERS and not name.endswith(" own")):
        assert scene.snapshot() == deed.before
    return outcome


@pytest.mark.parametrize(("deed", "who", "outcome"), CELLS)
async def test_who_may_do_what(scene: Scene, deed: str, who: str, outcome: str):
    assert await tried(scene, deed, who) == outcome


def registered(bot: Clonevoice) -> set[str]:
    """Name all buttons and selects that outlive a restart, by what their custom ids begin with."""
    names: set[str] = set()
    for pattern in bot._connection._view_store._dynamic_items:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - no public way
        kind, _, rest = pattern.pattern.partition(":")
        wishes = re.match(r"\(\?P<\w+>([\w|]+)\)", rest)
        if wishes:
            names |= {f"{kind}:{wish}" for wish in wishes[1].split("|")}
        elif kind == "page":
            names |= {f"page:{name}" for name in LISTS}
        else:
            names.add(kind)
    return names


async def test_every_registered_button_select_and_command_is_in_the_table(scene: Scene):
    bot = scene.world.bot
    commands = {
        f"/{command.qualified_name}"
        for top in bot.tree.get_commands(type=discord.AppCommandType.chat_input)
        for command in (top.commands if isinstance(top, discord.app_commands.Group) else [top])
    }
    menus = {command.name for command in bot.tree.get_commands(type=discord.AppCommandType.message)}
    names = {name.rsplit(" ", 1)[0] if name.endswith(SUFFIXES) else name for name in TABLE}
    assert registered(bot) | commands | menus == names


@pytest.mark.parametrize("who", STRANGERS)
async def test_no_custom_id_that_a_stranger_sends_changes_anything(scene: Scene, who: str):
    for name in sorted(registered(scene.world.bot)):
        await tried(scene, name, who)
