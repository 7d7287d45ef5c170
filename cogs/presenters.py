"""What the services need from the cogs: everything that renders a message outside of an interaction's reply."""

from typing import TypedDict

from bot.client.client import Clonevoice
from bot.client.messenger import Messenger
from bot.clock import Clock
from bot.cloning.ports import ClonePresenter, ConsentPrompt
from bot.moderation.ports import CaseBoard
from bot.policy.ports import AuditListener
from bot.speaking.ports import SpeechPresenter
from cogs.clonevoice.presenter import DiscordClonePresenter
from cogs.consent.question import ConsentQuestion
from cogs.speak.presenter import DiscordSpeechPresenter
from cogs.voiceadmin.case_board import LogChannelCaseBoard
from cogs.voiceadmin.mod_log import ModLog


class Presenters(TypedDict):
    """The fields of `bot.services.Ports` that the cogs implement."""

    clone_presenter: ClonePresenter
    consent_prompt: ConsentPrompt
    speech_presenter: SpeechPresenter
    case_board: CaseBoard
    audit_listener: AuditListener


def build(bot: Clonevoice, messenger: Messenger, clock: Clock) -> Presenters:
    """Build the presenters. They use the bot's services only later, when they are called."""
    return {
        "clone_presenter": DiscordClonePresenter(messenger, bot.previews, clock),
        "consent_prompt": ConsentQuestion(messenger),
        "speech_presenter": DiscordSpeechPresenter(messenger, bot.previews, clock),
        "case_board": LogChannelCaseBoard(bot, messenger),
        "audit_listener": ModLog(bot),
    }
