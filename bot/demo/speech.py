"""The clips of the emulated API, and the jobs that make them."""

import time
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

TEXT_LENGTH = 5000
TITLE_LENGTH = 500
PREVIEW_LENGTH = 50


@dataclass(frozen=True, slots=True)
class SpokenClip:
    """A clip that the API has charged. `id` counts from 1."""

    id: int
    voice_id: int
    account: str
    title: str
    text: str
    mp3_url: str


@dataclass(frozen=True, slots=True)
class _Job:
    result: dict[str, Any]
    due: float
    shown: dict[str, Any]


def find_problem(order: Mapping[str, Any]) -> str | None:
    """Return the API's error message for an order (by `text` and `voice_id`), or None if it is valid."""
    text, title, voice_id = order.get("text"), order.get("title", ""), order.get("voice_id")
    if not isinstance(text, str) or not text.strip() or len(text) > TEXT_LENGTH:
        return f"Parameter text must have 1 to {TEXT_LENGTH} characters"
    if not isinstance(title, str) or len(title) > TITLE_LENGTH:
        return f"Parameter title must have up to {TITLE_LENGTH} characters"
    if not isinstance(voice_id, int) or isinstance(voice_id, bool):
        return "Parameter voice_id must be a number"
    return None


class Speeches:
    """The clips so far. A job ends after `seconds`; it fails if `voices` doesn't contain its voice then.

    `audio` has the MP3 files by their names, even of voices that were deleted.
    """

    def __init__(self, voices: Container[int], seconds: float) -> None:
        self._voices = voices
        self._seconds = seconds
        self._jobs: dict[str, _Job] = {}
        self.clips: list[SpokenClip] = []
        self.audio: dict[str, bytes] = {}

    def speak(self, order: Mapping[str, Any], account: str, sample: bytes, origin: str) -> dict[str, Any]:
        """Add a clip and return its response. The audio is the voice's sample: nothing is synthesized here."""
        number, title, text, voice_id = len(self.clips) + 1, order.get("title", ""), order["text"], order["voice_id"]
        self.audio[f"speech-{number}"] = sample
        url = f"{origin}/files/speech-{number}.mp3"
        self.clips.append(SpokenClip(number, voice_id, account, title, text, url))
        preview = text[:PREVIEW_LENGTH]
        cover = f"{origin}/files/{voice_id}.png"
        return {"title": title or preview, "preview": preview, "cover": cover, "mp3_url": url}

    def begin(self, order: Mapping[str, Any], result: dict[str, Any]) -> dict[str, Any]:
        """Start a job that will return `result`. Returns the job as the API shows it."""
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
        due = time.perf_counter() + self._seconds  # not `time.monotonic`: simcord replaces it
        self._jobs[shown["jobid"]] = _Job(result, due, dict(shown))
        return shown

    def job(self, job_id: str) -> dict[str, Any] | None:
        """Return a job as the API shows it, or None if there is none with this ID."""
        self.finish_due_jobs()
        return self._jobs[job_id].shown if job_id in self._jobs else None

    def finish_due_jobs(self) -> None:
        """Finish the jobs that are due. Must be called before a voice is deleted."""
        for job in self._jobs.values():
            if job.shown["status"] != "created" or time.perf_counter() < job.due:
                continue
            if job.shown["request"]["voice_id"] in self._voices:
                job.shown.update(status="completed", updated=_now(), response=job.result)
            else:
                job.shown.update(status="failed", updated=_now(), error="Voice not found")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
