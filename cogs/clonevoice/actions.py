"""The buttons on the card of a clone. Their custom ids say of which, so they work after a restart too."""

import re
from typing import Any, Self

import discord

from bot.client.client import Clonevoice
from bot.client.tree import replying_on_error
from bot.cloning.job import CloneJob
from bot.cloning.stage import Stage
from bot.i18n import translate
from cogs._ui.interaction import reply_in

_LOOKS = {
    "anyway": discord.ButtonStyle.primary,
    "mine": discord.ButtonStyle.primary,
    "again": discord.ButtonStyle.primary,
    "cancel": discord.ButtonStyle.secondary,
}


class CloneButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"clone:(?P<wish>anyway|mine|cancel|again):(?P<job_id>[\w-]+)",
):
    """`Clone anyway`, `It is my own voice`, `Cancel` or `Try again`."""

    def __init__(self, wish: str, job_id: str, locale: str) -> None:
        label = translate(locale, f"button.{wish}")
        super().__init__(
            discord.ui.Button(style=_LOOKS[wish], label=label, custom_id=f"clone:{wish}:{job_id}")
        )
        self._wish = wish
        self._job_id = job_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read the button from its custom id."""
        del item
        return cls(match["wish"], match["job_id"], str(interaction.locale))

    async def callback(self, interaction: discord.Interaction[Clonevoice]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- this bot's own client
        """Do what the member wishes; the click's fresh token goes on with the card."""
        async with replying_on_error(interaction):
            await interaction.response.defer()
            cloner, member = interaction.client.cloner, interaction.user.id
            if interaction.message:
                await cloner.follow(self._job_id, member, reply_in(interaction.message.id, interaction))
            match self._wish:
                case "again":
                    await cloner.try_again(self._job_id, member)
                case "cancel":
                    cloner.cancel(self._job_id, member)
                case _:
                    cloner.go_ahead(self._job_id, member)


def buttons_of(job: CloneJob) -> discord.ui.View | None:
    """Return what a member can do about a job as it stands."""
    wishes = [
        wish
        for wish, possible in (
            ("mine" if job.needs_confirmation else "anyway", job.stage is Stage.CONFIRMING),
            ("again", job.can_retry),
            ("cancel", job.can_cancel),
        )
        if possible
    ]
    if not wishes:
        return None
    view = discord.ui.View(timeout=None)
    for wish in wishes:
        view.add_item(CloneButton(wish, job.id, job.locale))
    return view
