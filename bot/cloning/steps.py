"""Before the queue: the sample is fetched and judged, and whoever has a say in it is asked.

Its member, if its length or its origin is unusual; and the speaker, if that is somebody else.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from bot.audio.inspector import within_recommended
from bot.audio.sample_info import SampleInfo
from bot.clock import Clock
from bot.cloning.admission import Ledger
from bot.cloning.consent_gate import Approvals
from bot.cloning.errors import AlreadyCloning, NotTheSpeaker, OfferLapsed, RequestClosed
from bot.cloning.job import CONSENT_SECONDS, CloneJob
from bot.cloning.ports import Show
from bot.cloning.stage import Stage
from bot.errors import Refused
from bot.policy.models import DAY
from bot.voices.models import Speaker

AT_ONCE = 4
"""How many samples are fetched and judged at once: each is held in memory until it lies on disk."""

ASK_AGAIN_SECONDS = 60.0
"""Seconds between attempts to ask a speaker while Discord does not let the question through."""

OFFER_SECONDS = 15 * 60.0
"""How long `Clone anyway` is offered: as long as an interaction's token lives."""


class Intake:
    """Takes jobs from received to where they may queue.

    `download` and `inspect` raise `SampleRefused`; so does `check_sample`, given a server and a SHA-256.
    `ask` brings the question to a job's speaker: False if that should be tried again, `SpeakerUnreachable`
    if it can't be done.
    """

    def __init__(
        self,
        ledger: Ledger,
        approvals: Approvals,
        download: Callable[[str], Awaitable[bytes]],
        inspect: Callable[[bytes], Awaitable[SampleInfo]],
        check_sample: Callable[[int, str], Awaitable[None]],
        ask: Callable[[CloneJob], Awaitable[bool]],
        clock: Clock,
        show: Show,
    ) -> None:
        self._ledger = ledger
        self._approvals = approvals
        self._download = download
        self._inspect = inspect
        self._check_sample = check_sample
        self._ask_speaker = ask
        self._clock = clock
        self._show = show
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._offers: dict[str, asyncio.Future[None]] = {}
        self._requests: dict[str, asyncio.Future[bool]] = {}

    async def check(self, job_id: str) -> None:
        """Fetch and judge a sample, and keep it on disk, so that memory does not grow with the queue."""
        async with self._slots:
            sample = await self._download(self._ledger[job_id].sample_url)
            facts = await self._inspect(sample)
            digest = await asyncio.to_thread(_sha256, sample)
            await self._check_sample(self._ledger[job_id].guild_id, digest)
            await self._ledger.keep_sample(job_id, sample)
            del sample
        await self._ledger.move(job_id, Stage.CHECKED, sample_info=facts, sample_sha256=digest)
        self._show(job_id)

    async def settle(self, job_id: str) -> None:
        """Queue a checked sample: at once, or when all who have a say in it have agreed."""
        job = self._ledger[job_id]
        unusual = job.needs_confirmation or not (job.sample_info and within_recommended(job.sample_info))
        if unusual and not job.awaits_consent:
            await self._offer(job_id)
        if job.speaker:
            await self._approval(job_id, job.speaker)
        await self._ledger.move(job_id, Stage.QUEUED)
        self._show(job_id)

    async def _offer(self, job_id: str) -> None:
        if self._ledger[job_id].stage is not Stage.CONFIRMING:
            await self._ledger.move(job_id, Stage.CONFIRMING)
        self._offers[job_id] = offer = asyncio.get_running_loop().create_future()
        since = self._ledger[job_id].times[Stage.CONFIRMING]
        lapse = asyncio.ensure_future(self._clock.sleep(since + OFFER_SECONDS - self._clock.now()))
        self._show(job_id)
        try:
            await asyncio.wait({offer, lapse}, return_when=asyncio.FIRST_COMPLETED)
            if not offer.done():
                raise Refused("refused.unanswered")
        finally:
            lapse.cancel()
            del self._offers[job_id]

    async def _approval(self, job_id: str, speaker: Speaker) -> None:
        if not self._ledger[job_id].awaits_consent:
            await self._ledger.move(job_id, Stage.CONSENT)
        self._show(job_id)
        if await self._approvals.holds(self._ledger[job_id]):  # just before the bot was stopped
            return
        self._requests[job_id] = answer = asyncio.get_running_loop().create_future()
        seconds = self._ledger[job_id].consent_deadline - self._clock.now()
        lapse = asyncio.ensure_future(self._clock.sleep(seconds))
        asking = asyncio.ensure_future(self._ask(job_id))
        try:
            await asyncio.wait({answer, lapse, asking}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                asking.result()
                await asyncio.wait({answer, lapse}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise Refused(
                    "refused.approval_unanswered", name=speaker.name, days=int(CONSENT_SECONDS / DAY)
                )
            if not answer.result():
                raise Refused("refused.speaker_refused", name=speaker.name)
        finally:
            lapse.cancel()
            asking.cancel()
            del self._requests[job_id]

    async def _ask(self, job_id: str) -> None:
        if self._ledger[job_id].speaker_notified:
            return
        while not await self._ask_speaker(self._ledger[job_id]):
            await self._clock.sleep(ASK_AGAIN_SECONDS)
        await self._ledger.asked(job_id)

    def request(self, job_id: str, speaker_id: int) -> CloneJob:
        """Return a job that waits for the answer of this speaker; `RequestClosed` if it does no more."""
        answer = self._requests.get(job_id)
        if answer is None or answer.done():
            raise RequestClosed
        job = self._ledger[job_id]
        if job.speaker is None or job.speaker.id != speaker_id:
            raise NotTheSpeaker
        return job

    def answer(self, job_id: str, speaker_id: int, *, approved: bool) -> None:
        """Take a speaker's answer; an approval is on record before. `RequestClosed` if it comes too late."""
        job = self.request(job_id, speaker_id)
        self._requests[job_id].set_result(approved)
        self._ledger.answered(job.owner_id, speaker_id, approved=approved)

    def accept(self, job_id: str, owner_id: int) -> None:
        """Clone a sample anyway; `OfferLapsed` if that is offered no more."""
        offer = self._offers.get(job_id)
        if offer is None or offer.done() or not self._ledger.find(job_id, owner_id):
            raise OfferLapsed
        accepted = [other for other, answer in self._offers.items() if answer.done()]
        if any(self._ledger.find(other, owner_id) for other in accepted) or self._ledger.running(owner_id):
            raise AlreadyCloning
        offer.set_result(None)


def _sha256(sample: bytes) -> str:
    return hashlib.sha256(sample).hexdigest()
