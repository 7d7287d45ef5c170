"""A speaker's consent: the request, the answer and its withdrawal."""

from bot.client.client import Clonevoice
from cogs.consent.actions import handle_click


async def setup(bot: Clonevoice) -> None:
    """Register the buttons."""
    bot.actions.add("consent", r"(?P<action>open|approve|refuse|revoke|sure|stay):(?P<job_id>[\w-]+)", handle_click)
