"""Turns exceptions from commands, buttons, selects and forms into replies."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import discord
from discord import app_commands

from bot.errors import expected_error
from bot.i18n import ENGLISH, translate, translate_markdown

_log = logging.getLogger(__name__)


class Tree(app_commands.CommandTree[discord.Client]):
    """The command tree. Commands are for servers only, and each error is answered."""

    def __init__(self, client: discord.Client) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )

    async def on_error(
        self, interaction: discord.Interaction[discord.Client], error: app_commands.AppCommandError, /
    ) -> None:
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await _reply_with_error(interaction, cause)


@asynccontextmanager
async def replying_on_error(interaction: discord.Interaction[discord.Client]) -> AsyncGenerator[None]:
    """Reply with an error from a button, select or form; discord.py would only log it."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - every error becomes a reply
        await _reply_with_error(interaction, error)


def command_text(key: str) -> app_commands.locale_str:
    """Return a command's name or description from the catalog."""
    return app_commands.locale_str(translate(ENGLISH, key), key=key)


async def _reply_with_error(interaction: discord.Interaction[discord.Client], error: Exception) -> None:
    error = expected_error("an interaction", error)
    text = translate_markdown(str(interaction.locale), error.key, **error.values)
    try:
        if not interaction.response.is_done():
            await interaction.response.send_message(text, ephemeral=True)
        elif interaction.response.type is discord.InteractionResponseType.deferred_channel_message:
            await interaction.edit_original_response(content=text, embed=None, view=None, attachments=[])
        else:
            await interaction.followup.send(text, ephemeral=True)
    except discord.HTTPException as failure:
        _log.warning("a reply with an error could not be delivered: %s", failure)
