"""*Break something*: faults that a visitor causes while the bot works, and what the simulated services tell of it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.demo.api import RefusedError, Request
from bot.demo.club.server import Server
from bot.demo.process import BotProcess
from bot.demo.story import Story
from bot.demo.upstream import Upstream
from bot.demo.wire import Call

SECONDS = {"busy": 12.0, "session": 12.0, "disk": 12.0, "edits": 15.0}
"""How long each fault lasts, unless it is ended before. *Lose the answer* lasts until an answer was lost."""

REFUSALS = {
    "busy": RefusedError(429, "Too many requests"),
    "session": RefusedError(596, "Session expired", "SESSION_EXPIRED"),
}

UPLOAD_RATE = 25_000  # bytes per second that the API reads, so that an upload's progress is visible
UPLOAD_SECONDS = 6  # the longest upload; larger files are read faster

CLONE, SPEECH = ("POST", "/speech/voice"), ("POST", "/speech")


@dataclass(kw_only=True, eq=False)
class WatchedUpstream(Upstream):
    """The API. It tells the story of its requests, refuses them for each of `refusals`, and can lose an answer."""

    story: Story
    refusals: dict[str, RefusedError] = field(default_factory=dict[str, RefusedError])
    loses_next: bool = False
    lost: Callable[[], None] = lambda: None

    async def arrived(self, asked: Request) -> None:
        await self.story.look()
        if _kind(asked) == CLONE:
            self.read_rate = max(UPLOAD_RATE, int(asked.headers["Content-Length"]) // UPLOAD_SECONDS)
            self.story.tell("demo.story.sending")

    async def answer(self, request: Request) -> tuple[int, object]:
        kind = _kind(request)
        if kind == ("GET", "/accounts") and "session" in self.refusals:
            account = self.accounts[0]
            return 200, {account: {"account": account, "error": str(self.refusals["session"])}}
        if kind == CLONE:
            self.story.tell("demo.story.received", size=len(request.body) // 1000)
        for name, refusal in self.refusals.items():
            if name == "session" or kind in {CLONE, SPEECH}:
                self.story.tell(f"demo.story.refused.{name}", "bad")
                raise refusal
        status, answer = await super().answer(request)
        self._tell(request)
        return status, answer

    def _tell(self, request: Request) -> None:
        match _kind(request):
            case ("POST", "/speech/voice"):
                self.story.charge(request.query["title"])
                self.story.tell("demo.story.voice_made")
            case ("POST", "/speech"):
                self.story.charge(self.speeches[-1].text)
                self.story.tell("demo.story.clip_made")
            case ("GET", "/speech/voices/"):
                sought = {job["title"] for job in self.story.contents.jobs.values() if job["stage"] == "cloning"}
                found = any(voice.title in sought for voice in self.voices.values())
                outcome = "found" if found else "not_found" if sought else "listed"
                self.story.tell(f"demo.story.{outcome}", "good" if found else "")
            case _:
                pass

    def loses(self, asked: Request) -> bool:
        if not self.loses_next or _kind(asked) not in {CLONE, SPEECH}:
            return False
        self.loses_next = False
        self.story.tell("demo.story.lost", "bad")
        self.lost()
        return True


def _kind(request: Request) -> tuple[str, str]:
    return request.method, request.path


class Breakage:
    """Breaks the bot, the API or Discord, by the names of `SECONDS`, `kill` and `lose`.

    `active` has the faults that last, with the Unix timestamp of their end; 0 means until it has happened.
    """

    def __init__(self, process: BotProcess, upstream: WatchedUpstream, server: Server, story: Story) -> None:
        self.active: dict[str, float] = {}
        self._process = process
        self._upstream = upstream
        self._server = server
        self._story = story
        self._ends: dict[str, asyncio.TimerHandle] = {}
        upstream.lost = lambda: self._end("lose")

    def use(self, name: str) -> None:
        """Cause a fault, or end it if it lasts. Raises `KeyError` if there is no such fault."""
        if name not in {"kill", "lose", *SECONDS}:
            raise KeyError(name)
        if name == "kill":
            self._story.tell("demo.story.killed", "bad")
            self._process.kill()
        elif name in self.active:
            self._end(name)
        else:
            self._begin(name)

    def _begin(self, name: str) -> None:
        self.active[name] = 0.0
        if name in SECONDS:
            self.active[name] = time.time() + SECONDS[name]
            self._ends[name] = asyncio.get_running_loop().call_later(SECONDS[name], self._end, name)
        self._set(name, on=True)
        self._story.tell(f"demo.story.begun.{name}", "bad")

    def _end(self, name: str) -> None:
        del self.active[name]
        if timer := self._ends.pop(name, None):
            timer.cancel()
        self._set(name, on=False)
        if name in SECONDS:
            self._story.tell(f"demo.story.ended.{name}")

    def _set(self, name: str, *, on: bool) -> None:
        match name:
            case "lose":
                self._upstream.loses_next = on
            case "disk":
                self._process.set_disk(full=on)
            case "edits":
                self._server.refuses_edits = on
            case _ if on:
                self._upstream.refusals[name] = REFUSALS[name]
            case _:
                del self._upstream.refusals[name]


async def tell_call(story: Story, call: Call, reader: str, refused: bool) -> None:  # noqa: FBT001 - a callback
    """Tell what the bot is about to deliver through Discord."""
    await story.look()
    if refused:
        story.tell("demo.story.edit_refused", "bad")
    elif (call.method, call.path.rpartition("/")[2]) == ("PUT", "commands"):
        story.tell("demo.story.started")
    elif call.method == "POST" and call.path.startswith("/channels/"):
        if reader:
            story.tell("demo.story.messaged", name=reader)
        elif call.path.endswith("/messages"):
            story.tell("demo.story.posted")
    elif any(name.endswith(".mp3") for name, _ in call.files.values()):
        story.tell("demo.story.delivered", "good")
