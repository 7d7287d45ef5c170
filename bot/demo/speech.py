"""What the emulated API has spoken, and the jobs in which it speaks."""

import time
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

TEXT_LENGTH = 5000
TITLE_LENGTH = 500
PREVIEW_LENGTH = 50


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """A line that the API was asked for and that used speech minutes; `id` counts from 1."""

    id: int
    voice_id: int
    account: str
    title: str
    text: str
    mp3_url: str


@dataclass(frozen=True, slots=True)
class _Job:
    voice_id: int
    result: dict[str, Any]
    due: float
    shown: dict[str, Any]


def problem(order: Mapping[str, Any]) -> str | None:
    """Say why the API refuses to speak, or None; it is asked by `text` and `voice_id`, not `conversation`."""
    text, title, voice_id = order.get("text"), order.get("title", ""), order.get("voice_id")
    if not isinstance(text, str) or not text.strip() or len(text) > TEXT_LENGTH:
        return f"Parameter text must have 1 to {TEXT_LENGTH} characters"
    if not isinstance(title, str) or len(title) > TITLE_LENGTH:
        return f"Parameter title must have up to {TITLE_LENGTH} characters"
    if not isinstance(voice_id, int) or isinstance(voice_id, bool):
        return "Parameter voice_id must be a number"
    return None


class Speeches:
    """The lines so far. A job is over `seconds` after it began; it fails if `voices` lacks its voice then."""

    def __init__(self, voices: Container[int], seconds: float) -> None:
        self._voices = voices
        self._seconds = seconds
        self._audio: list[bytes] = []
        self._jobs: dict[str, _Job] = {}
        self.lines: list[SpokenLine] = []

    def speak(self, order: Mapping[str, Any], account: str, sample: bytes, origin: str) -> dict[str, Any]:
        """Take note of a line and return its speech: the voice's sample again, for nothing here can speak."""
        self._audio.append(sample)
        line = SpokenLine(
            id=len(self._audio),
            voice_id=order["voice_id"],
            account=account,
            title=order.get("title", ""),
            text=order["text"],
            mp3_url=f"{origin}/files/speech-{len(self._audio)}.mp3",
        )
        self.lines.append(line)
        preview = line.text[:PREVIEW_LENGTH]
        return {
            "title": line.title or preview,
            "preview": preview,
            "cover": f"{origin}/files/{line.voice_id}.png",
            "mp3_url": line.mp3_url,
        }

    def begin(self, order: Mapping[str, Any], result: dict[str, Any]) -> dict[str, Any]:
        """Begin a job whose `result` is known already, and return what the API tells of it."""
        now = _now()
        shown: dict[str, Any] = {
            "jobid": f"j{time.time_ns()}t-u1234-a12345678901234-n{len(self._jobs) + 1}-bot:mureka",
            "verb": "speech",
            "jobType": "tts",
            "status": "created",
            "created": now,
            "updated": now,
            "request": order,
        }
        # Not `time.monotonic`: a simulated Discord has that for itself.
        due = time.perf_counter() + self._seconds
        self._jobs[shown["jobid"]] = _Job(order["voice_id"], result, due, dict(shown))
        return shown

    def job(self, job_id: str) -> dict[str, Any] | None:
        """Return what the API tells of a job now; None if there is no such job."""
        self.settle()
        job = self._jobs.get(job_id)
        return job.shown if job else None

    def settle(self) -> None:
        """End the jobs whose time is over; to be done before a voice is deleted."""
        for job in self._jobs.values():
            if job.shown["status"] != "created" or time.perf_counter() < job.due:
                continue
            if job.voice_id in self._voices:
                job.shown.update(status="completed", updated=_now(), response=job.result)
            else:
                job.shown.update(status="failed", updated=_now(), error="Voice not found")

    def audio(self, name: str) -> bytes | None:
        """Return the MP3 `speech-<n>`, also after the end of its voice."""
        return next((mp3 for n, mp3 in enumerate(self._audio, 1) if name == f"speech-{n}"), None)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
