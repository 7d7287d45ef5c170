"""Turns exceptions from commands, buttons, selects and forms into replies."""

import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import discord
from discord import app_commands

from bot.client.acknowledgement import ACKNOWLEDGED, GONE, acknowledging
from bot.client.messenger import is_temporary
from bot.errors import ClonevoiceError, Refused, expected_error
from bot.i18n import ENGLISH, translate, translate_markdown

_log = logging.getLogger(__name__)

REFUSALS = (50001, 50007, 50013, 10003, 10008)
"""Discord's codes that have a sentence each: no access, closed DMs, no permission, unknown channel or message.

https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""

SUBCOMMANDS = (1, 2)  # the types of a subcommand and of a group

_OUTDATED = (app_commands.CommandNotFound, app_commands.CommandSignatureMismatch, app_commands.TransformerError)


class Tree(app_commands.CommandTree[discord.Client]):
    """The command tree. Commands are for servers only, and each error is answered."""

    def __init__(self, client: discord.Client) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )

    async def _call(self, interaction: discord.Interaction[discord.Client]) -> None:
        async with acknowledging(interaction):
            try:
                if interaction.type is discord.InteractionType.application_command:
                    _check_form(interaction)
                await super()._call(interaction)
            except app_commands.AppCommandError as error:
                await self.on_error(interaction, error)

    async def on_error(
        self, interaction: discord.Interaction[discord.Client], error: app_commands.AppCommandError, /
    ) -> None:
        """Reply with an error. While a member types, Discord accepts no sentence."""
        if interaction.type is discord.InteractionType.autocomplete:
            _log.info("an option could not be completed: %r", error)
            return
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await _reply_with_error(interaction, Refused("refused.outdated") if isinstance(cause, _OUTDATED) else cause)


def _check_form(interaction: discord.Interaction[discord.Client]) -> None:
    """Raise `CommandSignatureMismatch` for an option, a type or a choice that the command no longer has.

    Until a member reloads Discord, it offers a command in the form that it had before an update.
    """
    command = interaction.command
    if not isinstance(command, app_commands.Command):
        return
    known = {parameter.display_name: parameter for parameter in command.parameters}
    for option in _options(cast("Mapping[str, Any]", interaction.data)):
        parameter = known.get(option["name"])
        choices = [choice.value for choice in parameter.choices] if parameter else []
        if not parameter or option["type"] != parameter.type.value or (choices and option["value"] not in choices):
            raise app_commands.CommandSignatureMismatch(command)


def _options(data: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Return the options of the command itself, not those that name its subcommand."""
    options: list[Mapping[str, Any]] = data.get("options", [])
    nested = [option for option in options if option.get("type") in SUBCOMMANDS]
    return _options(nested[0]) if nested else options


@asynccontextmanager
async def replying_on_error(
    interaction: discord.Interaction[discord.Client], buttons: Callable[[], discord.ui.View] | None = None
) -> AsyncGenerator[None]:
    """Reply with an error from a button, select or form; discord.py would only log it.

    `buttons` returns those of the reply.
    """
    async with acknowledging(interaction):
        try:
            yield
        except Exception as error:  # noqa: BLE001 - every error becomes a reply
            view = buttons() if buttons else discord.utils.MISSING
            await _reply_with_error(interaction, error, view)


def command_text(key: str) -> app_commands.locale_str:
    """Return a command's name or description from the catalog."""
    return app_commands.locale_str(translate(ENGLISH, key), key=key)


def _known(error: Exception) -> Exception:
    """Return the sentence for an error of Discord, if there is one; else the error as it is."""
    if isinstance(error, discord.HTTPException):
        if error.code in REFUSALS:
            return ClonevoiceError(f"error.discord.{error.code}")
        if is_temporary(error):
            return ClonevoiceError("error.discord_busy")
    return error


async def _reply_with_error(
    interaction: discord.Interaction[discord.Client], error: Exception, view: discord.ui.View = discord.utils.MISSING
) -> None:
    if isinstance(error, discord.HTTPException) and error.code in {*GONE, ACKNOWLEDGED}:
        _log.info("an interaction can no longer be answered: Discord's code is %d", error.code)
        return
    error = expected_error("an interaction", _known(error))
    text = translate_markdown(str(interaction.locale), error.key, **error.values)
    try:
        if not interaction.response.is_done():
            try:
                await interaction.response.send_message(text, view=view, ephemeral=True)
            except discord.HTTPException as refusal:
                if refusal.code != ACKNOWLEDGED:  # else a lost answer was the acknowledgement
                    raise
                await interaction.edit_original_response(content=text, embed=None, view=view or None, attachments=[])
        elif interaction.response.type is discord.InteractionResponseType.deferred_channel_message:
            try:
                await interaction.edit_original_response(content=text, embed=None, view=view or None, attachments=[])
            except discord.NotFound:  # the member has dismissed the answer
                await interaction.followup.send(text, view=view, ephemeral=True)
        else:
            await interaction.followup.send(text, view=view, ephemeral=True)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
        _log.warning("a reply with an error could not be delivered: %s", failure)
