"""Before the queue: the sample is fetched, judged, and asked about if its length or its origin is unusual."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from bot.errors import AlreadyCloning, OfferLapsed, OfferUnanswered
from bot.voices.clock import Clock
from bot.voices.ledger import Ledger
from bot.voices.models import Facts
from bot.voices.progress import Stage
from bot.voices.sample import within_recommended
from bot.voices.sink import Show

AT_ONCE = 4
"""How many samples are fetched and judged at once: each is held in memory until it lies on disk."""

OFFER_SECONDS = 15 * 60.0
"""How long `Clone anyway` is offered: as long as an interaction's token lives."""


class Intake:
    """Takes jobs from received to where they may queue; `download` and `inspect` raise `SampleRefused`."""

    def __init__(
        self,
        ledger: Ledger,
        download: Callable[[str], Awaitable[bytes]],
        inspect: Callable[[bytes], Awaitable[Facts]],
        clock: Clock,
        show: Show,
    ) -> None:
        self._ledger = ledger
        self._download = download
        self._inspect = inspect
        self._clock = clock
        self._show = show
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._offers: dict[str, asyncio.Future[None]] = {}

    async def check(self, job_id: str) -> None:
        """Fetch and judge a sample, and keep it on disk, so that memory does not grow with the queue."""
        async with self._slots:
            sample = await self._download(self._ledger[job_id].sample_url)
            facts = await self._inspect(sample)
            digest = await asyncio.to_thread(_sha256, sample)
            await self._ledger.keep_sample(job_id, sample)
            del sample
        await self._ledger.move(job_id, Stage.CHECKED, facts=facts, sample_sha256=digest)
        self._show(job_id)

    async def settle(self, job_id: str) -> None:
        """Queue a checked sample, at once or, if there is something to ask, when its member goes ahead."""
        job = self._ledger[job_id]
        if job.facts and within_recommended(job.facts) and not job.doubtful:
            await self._ledger.move(job_id, Stage.QUEUED)
        else:
            await self._offer(job_id)
        self._show(job_id)

    async def _offer(self, job_id: str) -> None:
        if self._ledger[job_id].stage is not Stage.WAITING:
            await self._ledger.move(job_id, Stage.WAITING)
        self._offers[job_id] = offer = asyncio.get_running_loop().create_future()
        since = self._ledger[job_id].times[Stage.WAITING]
        lapse = asyncio.ensure_future(self._clock.sleep(since + OFFER_SECONDS - self._clock.now()))
        self._show(job_id)
        try:
            await asyncio.wait({offer, lapse}, return_when=asyncio.FIRST_COMPLETED)
            if not offer.done():
                raise OfferUnanswered
            await self._ledger.move(job_id, Stage.QUEUED)
        finally:
            lapse.cancel()
            del self._offers[job_id]

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
