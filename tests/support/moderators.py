"""A server with a moderator: the panel, reports, cases and decisions."""

from dataclasses import dataclass
from typing import Any

import discord
import simcord
from simcord.builders import ChannelHandle, RoleHandle, UserHandle
from simcord.results import InteractionResult, ResponseMessage

from bot.moderation.models import Case, Decision
from bot.policy.models import AuditEntry, ModAction, UserRef
from cogs.voiceadmin.panel_layout import SWITCHES
from support.clocks import until
from support.people import press, speak
from support.reading import custom_ids, fields, message, sentence
from support.world import World


@dataclass
class Court:
    """A world with a member who manages the server (Hedy), and a role for moderators."""

    world: World
    hedy: simcord.MemberActor
    role: RoleHandle
    manages: RoleHandle

    async def panel(self, page: str = "switches", who: simcord.MemberActor | None = None) -> InteractionResult:
        shown = await (who or self.hedy).slash(self.world.channel, "voiceadmin settings")
        if page != "switches":
            await (who or self.hedy).click(message(shown), custom_id=f"panel:{page}")
        return shown

    async def choose(self, page: str, rule: str, values: list[Any]) -> InteractionResult:
        shown = await self.panel(page)
        await self.hedy.select(message(shown), values, custom_id=f"rules:{page}:{rule}")
        return shown

    async def switch(self, *on: str) -> InteractionResult:
        """Turn these on, and the other switches off; return the panel."""
        shown = await self.panel()
        for rule in SWITCHES:
            state = "on" if rule in on else "off"
            if f"switch:{rule}:{state}" in custom_ids(shown):  # else it is so already
                await self.hedy.click(message(shown), custom_id=f"switch:{rule}:{state}")
        return shown

    async def unblock(self, who: simcord.MemberActor) -> InteractionResult:
        return await self.hedy.slash(self.world.channel, "voiceadmin unblock", member=who)

    def verdict(self, action: ModAction = ModAction.DISMISS, reason: str = "") -> Decision:
        return Decision(action, UserRef(self.hedy.id, "hedy"), 1.0, reason)

    async def decide(self, case: Case, action: ModAction = ModAction.DISMISS, reason: str = "") -> None:
        await self.world.services.cases.decide(self.world.guild_id, case.id, self.verdict(action, reason))

    async def cases(self) -> list[Case]:
        return await self.world.services.cases.open(self.world.guild_id)

    async def audit(self, **filters: Any) -> list[AuditEntry]:
        return await self.world.services.rules.audit(self.world.guild_id, **filters)

    async def blocked(self) -> list[int]:
        return [block.member_id for block in await self.world.services.rules.blocked(self.world.guild_id)]

    async def list(self, what: str, **options: Any) -> InteractionResult:
        return await self.hedy.slash(self.world.channel, f"voiceadmin {what}", **options)

    async def open_case(self) -> InteractionResult:
        listed = await self.list("reports")
        [case] = await self.cases()
        return await self.hedy.select(message(listed), [str(case.id)], custom_id="pick:case")

    async def remove(self, voice: str = "Ada", reason: str = "not here") -> InteractionResult:
        """Send `/voiceadmin remove` and confirm it with a reason."""
        form = await self.list("remove", voice=voice, reason="not here")
        if form.modal is None:
            return form
        return await self.hedy.submit_modal(form, {fields(form)[0]: reason})

    def boss(self) -> simcord.MemberActor:
        guild = self.world.ada.guild
        return guild.add_member(self.world.env.create_user("boss"), roles=[self.manages])

    async def block(self, who: simcord.MemberActor | UserHandle, **options: Any) -> InteractionResult:
        given = {"member": who, "reason": "spam"} | options
        return await self.hedy.slash(self.world.channel, "voiceadmin block", **given)


def court_in(world: World) -> Court:
    guild = world.ada.guild
    manages = guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
    hedy = guild.add_member(world.env.create_user("hedy"), roles=[manages])
    return Court(world, hedy, guild.create_role("Voice mods"), manages)


REASON = "impersonation"


async def logged(court: Court) -> ChannelHandle:
    """Give the server a log channel, which shows this choice as its first entry."""
    log = court.world.ada.guild.create_text_channel("log")
    await court.choose("moderators", "log_channel", [log])
    await until(log.history)
    return log


async def shared(world: World, title: str = "Ada", **details: Any) -> int:
    """Have Ada clone and share a voice; with details, record it without cloning."""
    if details:
        voice_id = await world.voice(world.ada, title, **details)
    else:
        await world.send(world.ada, title=title)
        voice_id = int(world.stored(world.ada)[-1]["id"])
    await world.ada.slash(world.channel, "voices share", voice=title)
    return voice_id


async def reported(world: World) -> Case:
    await shared(world)
    await complain(world, world.grace)
    [case] = await world.services.cases.open(world.guild_id)
    return case


async def logged_case(court: Court) -> ChannelHandle:
    """Give the server a log channel, and have Grace report a shared voice of Ada's."""
    log = await logged(court)
    await reported(court.world)
    await until(lambda: log.history()[-1].components)
    return log


def entry_of(message: discord.Message) -> str:
    """Return the entry of the moderation log that a message of the log channel shows, empty if it shows none."""
    return "" if message.components or not message.embeds else message.embeds[0].description or ""


async def report_clip(who: simcord.MemberActor, clip: discord.Message, reason: str = "hate") -> InteractionResult:
    asked = await who.click(clip, label=sentence("button.report"))
    await choose_reason(who, message(asked), reason)
    return asked


async def slur_reported(court: Court, author: simcord.MemberActor, said: str = "slur") -> ChannelHandle:
    """Have Linus report what a member said with a shared voice; return the log channel that shows the case."""
    log, world = await logged(court), court.world
    await shared(world)
    await speak(world, author, said=said)
    await report_clip(world.linus, world.channel.history()[-1])
    await until(lambda: log.history()[-1].components)
    return log


async def complain(
    world: World, who: simcord.MemberActor, reason: str = REASON, voice: str = "Ada"
) -> InteractionResult:
    card = await who.slash(world.channel, "voices show", voice=voice)
    asked = await press(who, card, "button.report")
    if asked.response is None or not asked.response.components:
        return asked
    await choose_reason(who, message(asked), reason)
    return asked


async def choose_reason(who: simcord.MemberActor, asked: ResponseMessage, reason: str) -> InteractionResult:
    [row] = asked.components
    return await who.select(asked, [reason], custom_id=row["components"][0]["custom_id"])


async def decide(
    who: simcord.MemberActor, shown: discord.Message | ResponseMessage, wish: str, **answers: str
) -> InteractionResult:
    """Press a case's button and send its form, if it has one."""
    result = await who.click(shown, label=sentence(f"button.case.{wish}"))
    if result.modal is None:
        return result
    names = fields(result)
    values = {names[0]: answers.get("reason", "It is not allowed here")}
    if "days" in answers:
        values[names[1]] = answers["days"]
    return await who.submit_modal(result, values)
