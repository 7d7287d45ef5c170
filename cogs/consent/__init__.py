"""A speaker's consent: the request, the answer and its withdrawal."""

from bot.client.client import Clonevoice
from bot.i18n import LOCALE
from cogs.consent.actions import handle_click


async def setup(bot: Clonevoice) -> None:
    """Register the buttons."""
    shown = rf"(?::(?P<locale>{LOCALE}):(?P<version>\d{{1,9}}))?"
    actions = r"(?P<action>open|approve|refuse|revoke|sure|stay)"
    bot.actions.add("consent", rf"{actions}:(?P<job_id>[\w-]+){shown}", handle_click)
