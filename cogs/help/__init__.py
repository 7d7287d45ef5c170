"""`/help`: what a member can do here now, where recordings go, and who runs the bot."""

from collections.abc import Awaitable
from dataclasses import dataclass
from importlib.metadata import version

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import Clonevoice, Operator
from bot.client.membership import member_snapshot
from bot.client.tree import command_text
from bot.errors import Refused
from bot.i18n import Markup, translate, translate_markdown
from bot.voices.models import Rights
from cogs._ui.formatting import BLURPLE, add_field, card
from cogs._ui.interaction import Interaction, is_moderator, viewer_of


@dataclass(frozen=True, slots=True)
class _OwnVoice:
    """A clone of the member's own voice in this channel, for `Rules.check_clone`."""

    owner_id: int
    guild_id: int
    channel_id: int
    rights: Rights = Rights.OWN
    speaker: None = None


class Help(commands.Cog):
    """The command."""

    @app_commands.command(name="help", description=command_text("help.about"))
    async def help(self, interaction: Interaction) -> None:
        """Show the help that applies to this member, in this channel, now."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        locale, operator = str(interaction.locale), interaction.client.operator
        key = "help.version_contact" if operator.contact else "help.version"
        footer = translate(locale, key, version=version("clonevoice-bot"), contact=operator.contact)
        lines = "\n".join(await _lines(interaction, locale))
        embed = card(BLURPLE, translate(locale, "help.title"), lines, footer)
        add_field(embed, locale, "help.where", translate_markdown(locale, "help.where_answer"), inline=False)
        await interaction.edit_original_response(embed=embed, view=_links(operator, locale))


async def _lines(interaction: Interaction, locale: str) -> list[str]:
    """Return a line for each thing that members do. What this member can't do is replaced by the reason, once."""
    services, viewer = interaction.client.services, viewer_of(interaction)
    rules, voices = services.rules, await services.library.list_own(viewer.id)
    wish = _OwnVoice(viewer.id, viewer.guild_id, interaction.channel_id or 0)
    member = member_snapshot(interaction.user, interaction.created_at)
    cloning = rules.check_clone(wish, services.cloner.owners_in(viewer.guild_id), member=member)
    lines = [
        await _line(cloning, locale, "help.clone", voices=sum(not voice.deleting for voice in voices)),
        await _line(rules.check_speaking(viewer), locale, "help.speak"),
        await _line(rules.check_sharing_here(viewer), locale, "help.share"),
    ]
    if await is_moderator(interaction):
        reports = len(await services.cases.open(viewer.guild_id))
        lines.append(translate_markdown(locale, "help.moderate", reports=reports))
    else:
        lines.append(await _line(rules.policy_for(viewer), locale, "help.report"))
    return [*dict.fromkeys(lines), translate_markdown(locale, "help.data")]


async def _line(check: Awaitable[object], locale: str, key: str, **values: object) -> str:
    try:
        await check
    except Refused as error:
        reason = Markup(translate_markdown(locale, error.key, **error.values))
        return translate_markdown(locale, "help.refused", reason=reason)
    return translate_markdown(locale, key, **values)


def _links(operator: Operator, locale: str) -> discord.ui.View:
    view = discord.ui.View()
    for key, url in (("help.support", operator.support_url), ("help.privacy", operator.privacy_url)):
        if url:
            view.add_item(discord.ui.Button(label=translate(locale, key), url=url))
    return view


async def setup(bot: Clonevoice) -> None:
    """Add the command."""
    await bot.add_cog(Help())
