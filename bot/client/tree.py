"""The one way from an exception to a reply: whatever fails in a command or a button ends here."""

import logging
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import discord
from discord import app_commands

from bot.errors import ClonevoiceError
from bot.i18n import ENGLISH, translate, translate_markdown

_log = logging.getLogger(__name__)


class Tree(app_commands.CommandTree[discord.Client]):
    """The commands: for servers that installed the bot, and answered for even when they fail."""

    def __init__(self, client: discord.Client) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=False, private_channel=False
            ),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )

    async def on_error(
        self, interaction: discord.Interaction[discord.Client], error: app_commands.AppCommandError, /
    ) -> None:
        """Tell the member what went wrong."""
        await _reply_with_error(
            interaction, error.original if isinstance(error, app_commands.CommandInvokeError) else error
        )


@asynccontextmanager
async def replying_on_error(interaction: discord.Interaction[discord.Client]) -> AsyncGenerator[None]:
    """Do for a button or select what the tree does for commands: discord.py only logs their errors."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - each becomes a reply, and the unexpected ones a log entry
        await _reply_with_error(interaction, error)


def command_text(key: str) -> app_commands.locale_str:
    """Take the name or description of a command from the catalog."""
    return app_commands.locale_str(translate(ENGLISH, key), key=key)


async def _reply_with_error(interaction: discord.Interaction[discord.Client], error: Exception) -> None:
    if not isinstance(error, ClonevoiceError):
        mark = secrets.token_hex(4)
        _log.error("an interaction failed unexpectedly, id %s", mark, exc_info=error)
        error = ClonevoiceError("error.unexpected", id=mark)
    sentence = translate_markdown(str(interaction.locale), error.key, **error.values)
    try:
        if not interaction.response.is_done():
            await interaction.response.send_message(sentence, ephemeral=True)
        elif interaction.response.type is discord.InteractionResponseType.deferred_channel_message:
            await interaction.edit_original_response(content=sentence, embed=None, view=None, attachments=[])
        else:
            await interaction.followup.send(sentence, ephemeral=True)
    except discord.HTTPException as failure:
        _log.warning("a reply could not be delivered: %s", failure)
