"""What happened: a timeline of what the bot saved, sent, found and delivered, and of what was charged.

It is told by the other sides: the data folder, the simulated API and the simulated Discord. Before each request of
the bot is answered, the folder is read, so that what was saved before it was sent also comes before it here.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.demo.changes import Changes
from bot.demo.folder import Contents, read_contents
from bot.i18n import ENGLISH, translate

LOOK_SECONDS = 0.2  # between two looks into the folder while the bot asks for nothing


@dataclass(slots=True)
class Entry:
    """Something that happened at a Unix timestamp, and how often in sequence. `tone` is `good`, `bad` or empty."""

    at: float
    text: str
    tone: str = ""
    times: int = 1


class Story:
    """The timeline of a bot with this data folder; `contents` are those at the last look."""

    def __init__(self, folder: Path, changes: Changes) -> None:
        self.entries: list[Entry] = []
        self.contents = Contents({}, {})
        self._folder = folder
        self._changes = changes
        self._charges = Counter[str]()
        self._charged_before: dict[str, int] = {}
        self._over: set[str] = set()
        self._looking = asyncio.Lock()

    def tell(self, key: str, tone: str = "", **details: object) -> None:
        """Add an entry with a text of the catalog, or count the last one if it says the same."""
        text = translate(ENGLISH, key, **details)
        if self.entries and self.entries[-1].text == text:
            self.entries[-1].times += 1
        else:
            self.entries.append(Entry(time.time(), text, tone))
        self._changes.notify()

    def charge(self, subject: str) -> None:
        """Count a charge of the API for a voice, by its title, or for a clip, by its text."""
        self._charges[subject] += 1

    async def watch(self) -> None:
        """Look into the folder again and again."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Tell what has changed in the folder."""
        async with self._looking:
            before = self.contents
            now = self.contents = await asyncio.to_thread(read_contents, self._folder)
            for id_ in now.voices.keys() - before.voices.keys():
                self.tell("demo.story.voice_saved", "good", title=now.voices[id_]["title"])
            for id_, job in now.jobs.items():
                self._tell_job(before.jobs.get(id_, {}), job)
            for id_ in before.voices.keys() - now.voices.keys():
                self.tell("demo.story.voice_erased", title=before.voices[id_]["title"])
            for id_, job in {**before.jobs, **now.jobs}.items():
                if id_ not in now.jobs or job["delivered"]:
                    self._tell_total(job)

    def _tell_job(self, before: Mapping[str, Any], job: Mapping[str, Any]) -> None:
        if not before:
            self._charged_before[job["id"]] = self._charges[_subject(job)]
        if not job["delivered"]:
            self._over.discard(job["id"])  # it is tried again
        if before.get("stage") != job["stage"]:
            self.tell(f"demo.story.stage.{job['stage']}", title=job["title"])
        if job.get("outcome_unknown_since") and not before.get("outcome_unknown_since"):
            self.tell("demo.story.unclear", "bad")

    def _tell_total(self, job: Mapping[str, Any]) -> None:
        """Tell once what a job that is over has cost and made."""
        if job["id"] in self._over:
            return
        self._over.add(job["id"])
        charges = self._charges[_subject(job)] - self._charged_before[job["id"]]
        voices = sum(voice.get("job_id") == job["id"] for voice in self.contents.voices.values())
        if not charges:
            self.tell("demo.story.total_nothing", "good")
        elif "text" in job:
            self.tell("demo.story.total_clip", "good", times=charges)
        else:
            charged = translate(ENGLISH, "demo.story.charged", times=charges)
            made = translate(ENGLISH, "demo.story.made", voices=voices)
            self.tell("demo.story.total", "good" if charges == voices == 1 else "bad", charged=charged, made=made)


def _subject(job: Mapping[str, Any]) -> str:
    return job["text"] if "text" in job else job["title"]
