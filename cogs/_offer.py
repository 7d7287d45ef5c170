"""The question whether a sample of unusual length is cloned anyway."""

import re
from typing import Any, Self

import discord

from bot.client import Clonevoice
from bot.i18n import say
from bot.tree import answering
from bot.voices.jobs import Job
from bot.voices.progress import Stage


class OfferButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"offer:(?P<job_id>\w+):(?P<answer>anyway|cancel)",
):
    """`Clone anyway` or `Cancel`; its custom id says of which job, so that it works after a restart too."""

    def __init__(self, job_id: str, answer: str, locale: str) -> None:
        anyway = answer == "anyway"
        style = discord.ButtonStyle.primary if anyway else discord.ButtonStyle.secondary
        label = say(locale, f"offer.{answer}")
        super().__init__(discord.ui.Button(style=style, label=label, custom_id=f"offer:{job_id}:{answer}"))
        self._job_id = job_id
        self._anyway = anyway

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the button from its custom id."""
        del item
        return cls(match["job_id"], match["answer"], str(interaction.locale))

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Pass the member's decision on."""
        async with answering(interaction):
            await interaction.response.defer()
            interaction.client.cloner.decide(self._job_id, interaction.user.id, anyway=self._anyway)


def offer_view(job: Job) -> discord.ui.View | None:
    """Return the buttons of a job that waits for a decision."""
    if job.stage is not Stage.WAITING:
        return None
    view = discord.ui.View(timeout=None)
    for answer in ("anyway", "cancel"):
        view.add_item(OfferButton(job.id, answer, job.locale))
    return view
