"""The buttons on the card of a clone."""

from contextlib import suppress

import discord

from bot.cloning.errors import OfferLapsed
from bot.cloning.job import CloneJob, Stage
from cogs._ui.action import action_buttons
from cogs._ui.interaction import Interaction, reply_in


async def handle_click(interaction: Interaction, action: str, job_id: str) -> None:
    """Do what the button says. The click's token, which is newer, edits the card from now on."""
    await interaction.response.defer()
    cloner, member = interaction.client.services.cloner, interaction.user.id
    message_id = interaction.message.id if interaction.message else 0
    try:
        async with cloner.card_moved(job_id, member, reply_in(message_id, interaction)):
            match action:
                case "again":
                    await cloner.retry(job_id, member)
                case "cancel":
                    await cloner.cancel(job_id, member)
                case _:
                    await cloner.confirm(job_id, member)
    except OfferLapsed:
        if job_id not in cloner.jobs:
            await _remove_buttons(interaction, job_id)
        raise


async def _remove_buttons(interaction: Interaction, job_id: str) -> None:
    """Remove a job's buttons from the clicked message, unless it has changed since and has others."""
    with suppress(discord.HTTPException):
        message = await interaction.original_response()
        rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
        custom_ids = [button.custom_id or "" for row in rows for button in row.children]
        if any(custom_id.endswith(f":{job_id}") for custom_id in custom_ids):
            await interaction.edit_original_response(view=None)


def job_buttons(job: CloneJob) -> discord.ui.View | None:
    """Return the buttons that the job's stage allows, or None if it allows none."""
    possible = {
        "mine" if job.needs_confirmation else "anyway": job.stage is Stage.CONFIRMING,
        "again": job.can_retry,
        "cancel": job.can_cancel,
    }
    actions = [action for action, allowed in possible.items() if allowed]
    return action_buttons(job.locale, "clone", actions, job.id) if actions else None
