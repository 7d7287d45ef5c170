"""Shows a simulated Discord server with the bot and some members on a loopback web page."""

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
"""The members that the page can act as, and the permissions of their role. It starts with the first one."""

SETTLE_SECONDS = 30.0
"""Seconds until the page calls an outcome uncertain. simcord's default of 5 is short for a busy machine."""

POLL_SECONDS = 0.1  # Seconds between two checks for changes. The page itself polls every half second.


@dataclass(frozen=True, slots=True)
class DiscordPage:
    """An open page. Any browser that knows `url` can act as any of its members."""

    url: str
    env: simcord.Env
    live: asyncio.Task[None]

    async def closed(self) -> None:
        """Wait until "End preview session" is chosen on the page."""
        await asyncio.shield(self.live)


@asynccontextmanager
async def discord_page(
    bot: commands.Bot, *, greeting: str, samples: Sequence[tuple[str, bytes]] = (), port: int | None = None
) -> AsyncGenerator[DiscordPage]:
    """Run `bot` in a simulated Discord and show one of its channels on a loopback port, `port` or a free one.

    The channel starts with `greeting` and `samples`, each a file's name and content. simcord, and so the page,
    waits for all tasks that a command starts. A job that outlives its command must be started in the context
    of the code inside this block: `context.run(asyncio.create_task, job())` with a `contextvars.copy_context()`
    from there. `create_task(job(), context=context)` does not work.
    """
    async with simcord.run(bot, check_errors=False, settle_timeout=SETTLE_SECONDS) as env:
        env.errors_since = lambda cursor: ()  # noqa: ARG005 - a click on which the bot replies with an error succeeds
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
    # The page shows one channel. With closed DMs, the bot sends everything there.
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
            async with asyncio.timeout(POLL_SECONDS):
                return await preview.wait_closed()


def _follow_real_time(env: simcord.Env) -> None:
    """Set simcord's clock, which does not advance by itself.

    Messages then have the real time, interaction tokens expire, and time-outs of commands work.
    """
    env.backend.advance_clock(max(0.0, (datetime.now(UTC) - env.now()).total_seconds()))


def _republish(preview: simcord.Preview) -> None:
    """Update the open pages; simcord does so only after an action on a page.

    The revision is kept: clicks made on an older revision are rejected.
    """
    preview._advance_presentation_time()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - no public way
    pages, publish = preview._pages, preview._publish  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above
    for page in tuple(pages.values()):
        if page.id in pages:  # publishing a page drops abandoned ones
            page.revision -= 1
            publish(page, reason="refresh")
