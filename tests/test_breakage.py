"""*Break something*: each fault, in each stage of a clone, ends in one voice or in one honest message."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bot.cloning.job import Stage
from bot.demo.breakage import SECONDS
from bot.demo.club.acts import NotPossibleError
from bot.demo.club.server import Person
from bot.demo.demo import Demo, running_demo
from bot.demo.page import SAMPLES
from bot.i18n import ENGLISH, translate
from support.clocks import until
from support.reading import sentence

pytestmark = pytest.mark.browser  # it takes minutes, and it is about what is seen on the page

PATIENCE = 180  # seconds; as many bots as there are stages run at a time

STAGES = (Stage.RECEIVED, Stage.CONFIRMING, Stage.CONSENT, Stage.UPLOADING, Stage.CLONING, Stage.DONE)

ANSWERS = [sentence(f"button.{name}") for name in ("approve", "open", "anyway")]

NO_VOICE = sentence("card.failed", title="Ada")

HONEST = [sentence("store.unwritable"), sentence("error.restarted")]


@pytest.mark.parametrize("fault", ["kill", "lose", *SECONDS])
async def test_fault_in_each_stage_ends_in_one_voice_or_one_honest_message(fault: str):
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        for stage in STAGES:
            group.create_task(_clone(fault, stage), name=f"{fault} in {stage}")


async def _clone(fault: str, stage: Stage) -> None:
    """Clone as Ada, and use a fault once the stage is seen in the bot's folder."""
    async with running_demo(clone_seconds=2) as demo:
        ada, name = demo.server.people["ada"], "short.mp3" if stage == Stage.CONFIRMING else "good-sample.mp3"
        sample = name, await asyncio.to_thread((SAMPLES / name).read_bytes)
        options: dict[str, Any] = {"sample": sample, "title": "Ada", "rights": "own"}
        if stage == Stage.CONSENT:
            options |= {"rights": "permission", "speaker": str(demo.server.people["grace"].user.id)}
        breaking = asyncio.create_task(_break(demo, fault, stage))
        try:
            await demo.acts.command(ada, demo.server.studio.id, "clonevoice", options)
            told = 0
        except NotPossibleError:
            told = 1  # the page says that there was no answer
        while not await _is_over(demo, told):
            if breaking.done():
                await _answer(demo)
            await asyncio.sleep(0.2)
        assert breaking.done(), "the stage was never seen"
        _check(demo, told, stage)


async def _break(demo: Demo, fault: str, stage: Stage) -> None:
    seen = translate(ENGLISH, f"demo.story.stage.{stage}", title="Ada")
    await until(lambda: seen in [entry.text for entry in demo.story.entries], seconds=PATIENCE)
    demo.breakage.use(fault)


async def _answer(demo: Demo) -> None:
    """Press the first button that the clone waits for, as Grace or as Ada."""
    found = {
        button["label"]: (demo.server.people[name], message, button["custom_id"])
        for name in ("grace", "ada")
        for message in _messages(demo, demo.server.people[name])
        for row in message["components"]
        for button in row.get("components", ())
    }
    for label in ANSWERS:
        if label in found:
            person, message, item = found[label]
            try:
                await demo.acts.click(person, int(message["channel_id"]), int(message["id"]), item)
            except NotPossibleError:
                continue  # a person would press again
            return


async def _is_over(demo: Demo, told: int) -> bool:
    await demo.story.look()
    online = demo.server.wire.connected.is_set()
    ended = all(job["delivered"] for job in demo.story.contents.jobs.values())
    return online and ended and (told > 0 or len(_ends(demo)) > 0)


def _check(demo: Demo, told: int, stage: Stage) -> None:
    story = [entry.text for entry in demo.story.entries]
    voices = len(demo.upstream.voices)
    assert len(demo.story.contents.voices) == voices <= 1, (stage, story)
    ends = _ends(demo)
    assert sum(bool(message["attachments"]) for message in ends) == voices, (stage, story, ends)
    assert len(ends) + told == 1 or (voices and len(ends) == 1), (stage, story, ends)
    totals = [text for text in story if text.startswith(("Charged", "Nothing"))]
    assert totals == (["Charged once · 1 voice"] if voices else ["Nothing charged · no voice"] * len(totals)), stage


def _ends(demo: Demo) -> list[dict[str, Any]]:
    """Return the messages with which a clone ended for Ada; replies to buttons may only ask to try again."""
    found = [*_messages(demo, demo.server.people["ada"])]
    return [each for each in found if each["attachments"] or NO_VOICE in str(each) or _is_refusal(each)]


def _is_refusal(message: Mapping[str, Any]) -> bool:
    return "used" in message and message["content"] in HONEST


def _messages(demo: Demo, person: Person) -> Iterator[dict[str, Any]]:
    """Yield the bot's messages that a person sees."""
    bot = str(demo.server.backend.bot_user.id)
    for messages in demo.server.view(person).messages.values():
        yield from (dict(message) for message in messages if message["author"]["id"] == bot)
