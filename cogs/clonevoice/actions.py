"""The buttons on the card of a clone."""

import discord

from bot.cloning.job import CloneJob, Stage
from cogs._ui.action import action_buttons
from cogs._ui.interaction import Interaction, reply_in


async def handle_click(interaction: Interaction, action: str, job_id: str) -> None:
    """Do what the button says. The click's token, which is newer, edits the card from now on."""
    await interaction.response.defer()
    cloner, member = interaction.client.services.cloner, interaction.user.id
    if interaction.message:
        await cloner.attach_reply(job_id, member, reply_in(interaction.message.id, interaction))
    match action:
        case "again":
            await cloner.retry(job_id, member)
        case "cancel":
            await cloner.cancel(job_id, member)
        case _:
            await cloner.confirm(job_id, member)


def job_buttons(job: CloneJob) -> discord.ui.View | None:
    """Return the buttons that the job's stage allows, or None if it allows none."""
    possible = {
        "mine" if job.needs_confirmation else "anyway": job.stage is Stage.CONFIRMING,
        "again": job.can_retry,
        "cancel": job.can_cancel,
    }
    actions = [action for action, allowed in possible.items() if allowed]
    return action_buttons(job.locale, "clone", actions, job.id) if actions else None
