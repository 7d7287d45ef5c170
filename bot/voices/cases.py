"""Reports from members, and how moderators decide them: once, and seen through after a restart too."""

import asyncio
import logging
import secrets
from collections import defaultdict
from dataclasses import replace
from typing import Protocol

from bot.errors import (
    AlreadyReported,
    CaseDecided,
    CaseUnknown,
    OwnVoice,
    ReportsToday,
    StoreError,
    VoiceUnknown,
)
from bot.voices.background import Background
from bot.voices.clock import Clock
from bot.voices.community import Community
from bot.voices.measures import Measures
from bot.voices.models import SpokenLine, Viewer, Voice
from bot.voices.moderation import Moderation
from bot.voices.notices import Notices
from bot.voices.policy import DAY, AuditEntry, Decision, Moderator
from bot.voices.reports import Case, Report, ReportReason, Target, Verdict
from bot.voices.store import Store, recording

_log = logging.getLogger(__name__)

REPORTS_A_DAY = 10
"""How many reports a member may send in a server within 24 hours."""


AGAIN_SECONDS = 10 * 60.0
"""Seconds between looks for cases that are decided and not done, or could not be posted."""


class Desk(Protocol):
    """Whoever shows cases to moderators. Must not fail."""

    async def post(self, guild_id: int, case: Case, voice: Voice | None) -> tuple[int, int] | None:
        """Show a case in the log channel, anew or where it is; where that is now, None if it can't be."""
        ...


class Cases:
    """A server's cases, one open one a voice. Whoever knows Discord sets `desk`."""

    desk: Desk

    def __init__(
        self,
        *,
        store: Store,
        moderation: Moderation,
        community: Community,
        measures: Measures,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self._store = store
        self._moderation = moderation
        self._community = community
        self._measures = measures
        self._notices = notices
        self._clock = clock
        self._reporting: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._showing: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._under_way: set[int] = set()

    def start(self, background: Background) -> None:
        """Carry out what was decided and is not done yet, and work in the background from now on."""
        self._background = background
        background.start(self._keep())

    async def open(self, guild_id: int) -> list[Case]:
        """Return the cases that wait for a moderator, the oldest first."""
        cases = [case for case in await self._store.servers.cases(guild_id) if case.open]
        return sorted(cases, key=lambda case: case.reports[0].at)

    async def find(self, guild_id: int, case_id: int) -> Case:
        """Return a case of a server, decided or not."""
        for case in await self._store.servers.cases(guild_id):
            if case.id == case_id:
                return case
        raise CaseUnknown

    async def find_open(self, guild_id: int, case_id: int) -> Case:
        """Return a case that can still be decided; `CaseDecided` says who was quicker."""
        case = await self.find(guild_id, case_id)
        if case.verdict:
            raise CaseDecided(name=case.verdict.by.name)
        return case

    async def voice(self, case: Case) -> Voice | None:
        """Return the voice that a case is about, if it is still there."""
        try:
            voices = await self._store.members.voices(case.target.owner_id)
        except StoreError:
            return None  # reported where it was set aside
        ours = [voice for voice in voices if voice.id == case.target.voice_id and not voice.deleting]
        return ours[0] if ours else None

    async def check(self, viewer: Viewer, owner_id: int, voice_id: int, speech_id: str) -> Voice:
        """Return the voice that a member may report; `Refused` says why not."""
        return (await self._reportable(viewer, owner_id, voice_id, speech_id))[0]

    async def report(
        self,
        viewer: Viewer,
        name: str,
        reason: ReportReason,
        *,
        owner_id: int,
        voice_id: int,
        speech_id: str,
        link: str,
    ) -> None:
        """Open a case about a voice, or add to the one that is open; `Refused` says why not."""
        guild_id = viewer.guild_id
        async with self._reporting[guild_id]:  # between the check and the record nobody else's comes
            voice, line = await self._reportable(viewer, owner_id, voice_id, speech_id)
            report = Report(viewer.id, name, reason, self._clock.now())
            if line:
                report = replace(report, said=line.text, said_by=line.speaker_name, link=link)
            case = await self._add(guild_id, voice, report)
        self._background.start(self._show(guild_id, case.id))

    async def _add(self, guild_id: int, voice: Voice, report: Report) -> Case:
        with recording():
            for case in await self.open(guild_id):
                if case.target.voice_id == voice.id and (
                    grown := await self._store.servers.change_case(
                        guild_id, case.id, lambda case: replace(case, reports=(*case.reports, report))
                    )
                ):
                    return grown
            case = Case(secrets.randbits(40), Target.of(voice, guild_id), (report,))
            await self._store.servers.put_case(guild_id, case, self._clock.now())
        return case

    async def _reportable(
        self, viewer: Viewer, owner_id: int, voice_id: int, speech_id: str
    ) -> tuple[Voice, SpokenLine | None]:
        await self._moderation.check_reporting(viewer)
        voice, line = await self._subject(viewer.guild_id, owner_id, voice_id, speech_id)
        if voice.owner_id == viewer.id:
            raise OwnVoice
        cases, now = await self._store.servers.cases(viewer.guild_id), self._clock.now()
        mine = [(case, one) for case in cases for one in case.reports if one.reporter_id == viewer.id]
        if any(case.open and case.target.voice_id == voice.id for case, _ in mine):
            raise AlreadyReported(title=voice.title)
        today = sorted(one.at for _, one in mine if one.at > now - DAY)
        if len(today) >= REPORTS_A_DAY:
            raise ReportsToday(limit=REPORTS_A_DAY, when=int(today[-REPORTS_A_DAY] + DAY))
        return voice, line

    async def _subject(
        self, guild_id: int, owner_id: int, voice_id: int, speech_id: str
    ) -> tuple[Voice, SpokenLine | None]:
        """Return a voice that is shared here, or with which a line was spoken here."""
        for line in await self._store.members.lines(owner_id, voice_id):
            if line.id == speech_id and line.guild_id == guild_id:
                for voice in await self._store.members.voices(owner_id):
                    if voice.id == voice_id and not voice.deleting:
                        return voice, line
        if (shared := await self._community.find(guild_id, voice_id)) is None:
            raise VoiceUnknown
        return shared, None

    async def remove(self, guild_id: int, by: Moderator, voice: Voice, reason: str) -> bool:
        """Take a voice out of a server, and so decide a case about it; whether it is deleted for good."""
        for case in await self.open(guild_id):
            if case.target.voice_id == voice.id:
                await self.decide(guild_id, case.id, by, Decision.REMOVE, reason)
                return case.target.cloned_here
        return await self._measures.remove(guild_id, by, Target.of(voice, guild_id), reason)

    async def decide(
        self,
        guild_id: int,
        case_id: int,
        by: Moderator,
        decision: Decision,
        reason: str = "",
        days: int | None = None,
    ) -> Case:
        """Decide a case; the first who does has decided it, and everybody after is told: `CaseDecided`."""
        verdict = Verdict(decision, by, self._clock.now(), reason, days)

        def decided(case: Case) -> Case:
            if case.verdict:
                raise CaseDecided(name=case.verdict.by.name)
            return replace(case, verdict=verdict)

        with recording():
            case = await self._store.servers.change_case(guild_id, case_id, decided)
        if case is None:
            raise CaseUnknown
        await self._carry_out(guild_id, case, verdict)
        return await self.find(guild_id, case_id)

    async def _carry_out(self, guild_id: int, case: Case, verdict: Verdict) -> None:
        self._under_way.add(case.id)
        try:
            await self._execute(guild_id, case, verdict)
            await self._tell_reporters(guild_id, case, verdict)
            with recording():
                await self._store.servers.change_case(
                    guild_id, case.id, lambda case: replace(case, done=True)
                )
        finally:
            self._under_way.discard(case.id)
        await self._show(guild_id, case.id)

    async def _execute(self, guild_id: int, case: Case, verdict: Verdict) -> None:
        target, by, reason = case.target, verdict.by, verdict.reason
        match verdict.decision:
            case Decision.REMOVE:
                await self._measures.remove(guild_id, by, target, reason, case_id=case.id)
            case Decision.BLOCK:
                owner = Moderator(target.owner_id, target.owner_name)
                await self._measures.block(guild_id, by, owner, reason, verdict.days, case_id=case.id)
            case _:
                entry = AuditEntry(
                    verdict.at,
                    by.id,
                    by.name,
                    verdict.decision,
                    target.title,
                    target.owner_id,
                    case_id=case.id,
                )
                with recording():
                    await self._moderation.record(guild_id, entry)
                await self._notices.tell(target.owner_id, guild_id, "notice.dismissed", title=target.title)

    async def _tell_reporters(self, guild_id: int, case: Case, verdict: Verdict) -> None:
        key = f"notice.reported.{verdict.decision}"
        for reporter_id in {report.reporter_id for report in case.reports}:
            await self._notices.tell(reporter_id, guild_id, key, title=case.target.title)

    async def _show(self, guild_id: int, case_id: int) -> None:
        """Show a case as it stands, in one message."""
        async with self._showing[guild_id]:
            case = await self.find(guild_id, case_id)
            message = await self.desk.post(guild_id, case, await self.voice(case))
            if message != case.message:
                await self._store.servers.change_case(
                    guild_id, case_id, lambda case: replace(case, message=message)
                )

    async def _keep(self) -> None:
        while True:
            for guild_id in await self._store.servers.ids():
                try:
                    await self._look_after(guild_id)
                except Exception:  # noqa: BLE001 - one server must not stand in the way of the others
                    _log.exception("the cases of server %d could not be taken up", guild_id)
            await self._clock.sleep(AGAIN_SECONDS)

    async def _look_after(self, guild_id: int) -> None:
        for case in await self._store.servers.cases(guild_id):
            if case.verdict and not case.done and case.id not in self._under_way:
                await self._carry_out(guild_id, case, case.verdict)
            elif case.open and case.message is None:  # it could not be posted so far
                await self._show(guild_id, case.id)
