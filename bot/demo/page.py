"""The bot in a browser: a simulated Discord server with people in it, shown live on one loopback page."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import discord
import simcord
from discord.ext import commands

MEMBERS: Mapping[str, discord.Permissions | None] = {
    "Ada": None,
    "Grace": None,
    "Hedy": discord.Permissions(manage_guild=True),
}
"""Whose eyes the page can be seen with, the first one's at first, and what a role lets them do besides."""

SETTLE_SECONDS = 30.0
"""After how long the page calls an outcome uncertain; simcord's own 5 are few on a busy machine."""

BEAT = 0.1
"""Seconds between looks for something new; the page itself asks every half second."""


@dataclass(frozen=True, slots=True)
class DiscordPage:
    """An open page. Whoever knows `url` can act on it as any of its members."""

    url: str
    env: simcord.Env
    live: asyncio.Task[None]

    async def closed(self) -> None:
        """Wait until somebody chooses "End preview session" on the page."""
        await asyncio.shield(self.live)


@asynccontextmanager
async def discord_page(
    bot: commands.Bot, *, greeting: str, samples: Sequence[tuple[str, bytes]] = (), port: int | None = None
) -> AsyncGenerator[DiscordPage]:
    """Run `bot` in a simulated Discord and show one of its channels on loopback, on `port` or a free one.

    The channel opens with `greeting` and `samples`, each a file's name and content. A job that is to
    outlive the command that began it must be a task outside simcord's watch over commands, or the page
    waits for it: `context.run(asyncio.create_task, job())`, with the `contextvars.copy_context()` of
    code inside this block. `create_task(job(), context=context)` does not do it.
    """
    async with simcord.run(bot, check_errors=False, settle_timeout=SETTLE_SECONDS) as env:
        env.errors_since = lambda cursor: ()  # noqa: ARG005 - an error that the bot answers fails no click
        _follow_real_time(env)
        env.backend.edit_bot_profile("Clonevoice")
        guild = env.create_guild("Voice Club")
        channel = guild.create_text_channel("studio")
        viewers = [_join(env, guild, name, permissions) for name, permissions in MEMBERS.items()]
        await guild.create_webhook(channel, guild.name).send(greeting, attachments=samples)
        async with env.preview(channel, viewers=viewers, layout="channel", port=port) as preview:
            live = asyncio.create_task(_show_live(env, preview))
            try:
                yield DiscordPage(preview.url, env, live)
            finally:
                live.cancel()


def _join(
    env: simcord.Env, guild: simcord.GuildHandle, name: str, permissions: discord.Permissions | None
) -> simcord.MemberActor:
    roles = [guild.create_role("Moderator", permissions=permissions)] if permissions else []
    user = env.create_user(name.lower(), global_name=name)
    # The page shows one channel, so whatever would come by direct message has to come there.
    path = f"/channels/{user.dm_channel.id}/messages"
    env.inject_error("POST", path, status=403, code=50007, times=None)
    return guild.add_member(user, roles=roles)


async def _show_live(env: simcord.Env, preview: simcord.Preview) -> None:
    seen = 0
    while True:
        _follow_real_time(env)
        if len(env.http_requests) > seen:
            seen = len(env.http_requests)
            _republish(preview)
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT):
                return await preview.wait_closed()


def _follow_real_time(env: simcord.Env) -> None:
    """Set simcord's clock, which stands still by itself.

    So messages carry the real time, tokens die when Discord's would, and the time-outs of commands that
    wait on a real socket strike.
    """
    env.backend.advance_clock(max(0.0, (datetime.now(UTC) - env.now()).total_seconds()))


def _republish(preview: simcord.Preview) -> None:
    """Show open pages what the bot did; simcord does so only when an action on the page ends.

    The revision stays, for a click made on an older one than the page's last would be refused.
    """
    preview._advance_presentation_time()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - no public way
    pages, publish = preview._pages, preview._publish  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above
    for page in tuple(pages.values()):
        if page.id in pages:  # publishing one drops those that were left long ago
            page.revision -= 1
            publish(page, reason="refresh")
