"""Builds what the services need from Discord: the cogs render, `bot.client` sends."""

from bot.client.client import Clonevoice
from bot.client.membership import DiscordMembership
from bot.client.messenger import Messenger
from bot.client.notifier import DiscordNotifier
from bot.clock import Clock
from bot.services import Ports
from cogs.clonevoice.presenter import DiscordClonePresenter
from cogs.consent.question import ConsentQuestion
from cogs.speak.presenter import DiscordSpeechPresenter
from cogs.voiceadmin.log_channel import LogChannel


def build_ports(bot: Clonevoice, clock: Clock) -> Ports:
    """Build the ports. They use the bot's services only later, when they are called."""
    messenger, membership = Messenger(bot), DiscordMembership(bot, clock)
    log_channel, notifier = LogChannel(bot, messenger), DiscordNotifier(messenger)
    return Ports(
        directory=membership,
        membership=membership,
        clone_presenter=DiscordClonePresenter(messenger, bot.previews, clock),
        consent_prompt=ConsentQuestion(messenger),
        speech_presenter=DiscordSpeechPresenter(messenger, bot.previews, clock),
        case_board=log_channel,
        audit_listener=log_channel,
        notifier=notifier,
        operator_alerts=notifier,
        responder=notifier,
    )
