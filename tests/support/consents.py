"""Asking a speaker, and how the speaker answers."""

import json
from typing import Any

import discord
import simcord
from simcord.results import InteractionResult

from support.clocks import until
from support.reading import sentence, text
from support.world import World, on_disk


async def ask(world: World, **options: Any) -> InteractionResult:
    """Have Ada clone Grace's voice, up to the request."""
    given = {"rights": "permission", "speaker": world.grace, "title": "Grace by Ada"} | options
    card = await world.send(world.ada, wait=False, **given)
    await until(lambda: "to approve.**" in text(card) or "▫️" not in text(card))
    return card


def question(world: World) -> discord.Message:
    return world.grace.user.dm_channel.history()[-1]


async def asked(world: World, **options: Any) -> tuple[InteractionResult, discord.Message]:
    """Have Grace asked; return Ada's card and the request."""
    before = len(world.grace.user.dm_channel.history())
    card = await ask(world, **options)
    await until(lambda: len(world.grace.user.dm_channel.history()) > before)
    await until(lambda: '"speaker_notified":true' in on_disk(world))
    return card, question(world)


async def click(world: World, message: discord.Message, key: str) -> InteractionResult:
    return await world.grace.user.click(message, label=sentence(key))


def consents(world: World, who: simcord.MemberActor) -> list[dict[str, Any]]:
    file = world.folder / "members" / f"{who.id}.json"
    if not file.exists():
        return []
    return [one for row in json.loads(file.read_text("utf-8")).get("consents", {}).values() for one in row["consents"]]


def job_id(world: World) -> str:
    [job_id] = [name.removesuffix(".json") for name in world.jobs() if name.endswith(".json")]
    return job_id


async def approved(world: World, **options: Any) -> None:
    """Have Ada ask Grace, Grace approve, and the voice made."""
    before = len(world.stored(world.ada))
    _, question = await asked(world, **options)
    await click(world, question, "button.approve")
    await until(lambda: len(world.stored(world.ada)) > before and not world.jobs())
