"""Reports from members, and how moderators decide them: once, and seen through after a restart too."""

import asyncio
import logging
import secrets
from collections import defaultdict
from dataclasses import replace

from bot.clock import Clock
from bot.errors import Refused, StoreError
from bot.library.errors import VoiceUnknown
from bot.library.shared_voices import SharedVoices
from bot.moderation.enforcement import Enforcement
from bot.moderation.models import (
    EXCERPT,
    Case,
    Decision,
    QuotedClip,
    Report,
    ReportedClip,
    ReportedVoice,
    ReportReason,
)
from bot.moderation.ports import CaseBoard
from bot.notifications import Notifications
from bot.policy.models import DAY, ModAction, UserRef
from bot.policy.rules import Rules
from bot.store.protocol import Store, recording
from bot.tasks import Background
from bot.text import clean_text
from bot.voices.models import Viewer, Voice

_log = logging.getLogger(__name__)

REPORTS_A_DAY = 10
"""How many reports a member may send in a server within 24 hours."""


AGAIN_SECONDS = 10 * 60.0
"""Seconds between looks for cases that are decided and not done, or could not be posted."""


KEPT_SECONDS = 30 * DAY
"""How long a case is kept once it is decided; the audit has it for good."""


class Cases:
    """A server's cases, one open one a voice. Whoever knows Discord sets `desk`."""

    desk: CaseBoard

    def __init__(
        self,
        *,
        store: Store,
        moderation: Rules,
        community: SharedVoices,
        measures: Enforcement,
        notices: Notifications,
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
        raise Refused("refused.case_unknown")

    async def find_open(self, guild_id: int, case_id: int) -> Case:
        """Return a case that can still be decided; `CaseDecided` says who was quicker."""
        case = await self.find(guild_id, case_id)
        if case.decision:
            raise Refused("refused.case_decided", name=case.decision.by.name)
        return case

    async def voice(self, case: Case) -> Voice | None:
        """Return the voice that a case is about, if it is still there."""
        try:
            voices = await self._store.members.voices(case.voice.owner_id)
        except StoreError:
            return None  # reported where it was set aside
        ours = [voice for voice in voices if voice.id == case.voice.voice_id and not voice.deleting]
        return ours[0] if ours else None

    async def report(
        self,
        viewer: Viewer,
        name: str,
        reason: ReportReason,
        *,
        owner_id: int,
        voice_id: int,
        heard: QuotedClip | None,
    ) -> None:
        """Open a case about a voice, or add to the one that is open; `Refused` says why not."""
        guild_id = viewer.guild_id
        async with self._reporting[guild_id]:  # between the check and the record nobody else's comes
            target = await self.check(viewer, owner_id, voice_id, heard)
            line = await self._line(target, heard) if heard else None
            report = Report(viewer.id, name, reason, self._clock.now(), line)
            with recording():
                case = await self._add(guild_id, target, report)
        self._background.start(self._show(guild_id, case.id))

    async def _add(self, guild_id: int, target: ReportedVoice, report: Report) -> Case:
        def grown(case: Case) -> Case:  # one that was decided just now stays as it was decided
            return replace(case, reports=(*case.reports, report)) if case.open else case

        for case in await self.open(guild_id):
            if case.voice.voice_id == target.voice_id:
                after = await self._store.servers.change_case(guild_id, case.id, grown)
                if after and after.open:
                    return after
        case = Case(secrets.randbits(40), target, (report,))
        await self._store.servers.put_case(guild_id, case)
        return case

    async def check(
        self, viewer: Viewer, owner_id: int, voice_id: int, heard: QuotedClip | None
    ) -> ReportedVoice:
        """Return what a member may report; `Refused` says why not."""
        await self._moderation.check_reporting(viewer)
        target = await self._target(viewer.guild_id, owner_id, voice_id, heard)
        if target.owner_id == viewer.id:
            raise Refused("refused.own_voice")
        cases, now = await self._store.servers.cases(viewer.guild_id), self._clock.now()
        mine = [(case, one) for case in cases for one in case.reports if one.reporter_id == viewer.id]
        if any(case.open and case.voice.voice_id == voice_id for case, _ in mine):
            raise Refused("refused.already_reported", title=target.title)
        today = sorted(one.at for _, one in mine if one.at > now - DAY)
        if len(today) >= REPORTS_A_DAY:
            raise Refused("refused.reports_today", limit=REPORTS_A_DAY, when=int(today[-REPORTS_A_DAY] + DAY))
        return target

    async def _target(
        self, guild_id: int, owner_id: int, voice_id: int, heard: QuotedClip | None
    ) -> ReportedVoice:
        """Return a voice that is shared here, or with which somebody was heard here, deleted or not."""
        if heard is None:
            if (shared := await self._community.get(guild_id, voice_id)) is None:
                raise VoiceUnknown
            return ReportedVoice.from_voice(shared, guild_id)
        lines = await self._store.members.lines(owner_id, voice_id)
        for voice in await self._store.members.voices(owner_id):
            if voice.id == voice_id and any(line.id == heard.speech_id for line in lines):
                return ReportedVoice.from_voice(voice, guild_id)
        for one in await self._store.servers.cloned(guild_id):  # it may have been deleted since
            if one.voice_id == voice_id and one.owner_id == owner_id:
                return ReportedVoice(
                    voice_id, owner_id, one.owner_name, one.title, one.sample_sha256, cloned_here=True
                )
        return ReportedVoice(voice_id, owner_id, "", heard.title, "", cloned_here=False)

    async def _line(self, target: ReportedVoice, heard: QuotedClip) -> ReportedClip:
        """Return what was heard, and by whose doing if that is still on record."""
        lines = await self._store.members.lines(target.owner_id, target.voice_id)
        spoke = next((line for line in lines if line.id == heard.speech_id), None)
        return ReportedClip(
            heard.text[:EXCERPT],
            (spoke and spoke.author_id) or 0,
            (spoke and spoke.author_name) or heard.author_name,
            heard.link,
        )

    async def remove(self, guild_id: int, by: UserRef, voice: Voice, reason: str) -> bool:
        """Take a voice out of a server, and so decide a case about it; whether it is deleted for good."""
        target = ReportedVoice.from_voice(voice, guild_id)
        verdict = Decision(ModAction.REMOVE, by, self._clock.now(), clean_text(reason))
        async with self._reporting[guild_id]:  # two moderators at once remove it once
            case = Case(secrets.randbits(40), target)
            for other in await self._store.servers.cases(guild_id):
                if other.voice.voice_id == voice.id and not other.done:
                    case = other
            with recording():
                if not case.reports and case.open:
                    await self._store.servers.put_case(guild_id, case)
                await self._settle(guild_id, case.id, verdict)
        await self._finish(guild_id, case.id)
        return target.cloned_here

    async def decide(self, guild_id: int, case_id: int, verdict: Decision) -> Case:
        """Decide a case; the first who does has decided it, and everybody after is told: `CaseDecided`."""
        await self._settle(guild_id, case_id, replace(verdict, reason=clean_text(verdict.reason)))
        await self._finish(guild_id, case_id)
        return await self.find(guild_id, case_id)

    async def _settle(self, guild_id: int, case_id: int, verdict: Decision) -> None:
        def decided(case: Case) -> Case:
            if case.decision:
                raise Refused("refused.case_decided", name=case.decision.by.name)
            return replace(case, decision=verdict)

        with recording():
            if await self._store.servers.change_case(guild_id, case_id, decided) is None:
                raise Refused("refused.case_unknown")

    async def _finish(self, guild_id: int, case_id: int) -> None:
        try:
            await self._carry_out(guild_id, case_id)
        except StoreError as error:
            _log.error("case %d of server %d is not carried out yet: %s", case_id, guild_id, error)
            raise Refused("refused.not_carried_out") from error

    async def _carry_out(self, guild_id: int, case_id: int) -> None:
        """Do what was decided, once; what is broken off in the middle is taken up later."""
        if case_id in self._under_way:
            return
        self._under_way.add(case_id)
        try:
            case = await self.find(guild_id, case_id)
            if case.decision and not case.done:
                await self._execute(guild_id, case, case.decision)
                await self._tell_reporters(guild_id, case)
                with recording():
                    leaving = (await self.find(guild_id, case_id)).erasing
                    await self._store.servers.change_case(guild_id, case_id, Case.closed)
                    if case.voice.owner_id in leaving:  # else it would name them for a month
                        await self._store.servers.drop_case(guild_id, case_id)
                        return
        finally:
            self._under_way.discard(case_id)
        self._background.start(self._show(guild_id, case_id))

    async def _execute(self, guild_id: int, case: Case, verdict: Decision) -> None:
        target = case.voice
        match verdict.action:
            case ModAction.REMOVE:
                await self._measures.remove(guild_id, case, verdict)
                return
            case ModAction.BLOCK:
                await self._measures.block_by(guild_id, case, verdict)
            case _:
                await self._moderation.record_once(guild_id, case.audit_entry())
        if case.outcome != "block" and target.owner_id not in case.erasing:
            key = f"notice.owner.{case.outcome}"
            await self._notices.send(target.owner_id, guild_id, key, once=case.id, title=target.title)

    async def _tell_reporters(self, guild_id: int, case: Case) -> None:
        key = f"notice.reported.{case.outcome}"
        for reporter_id in {report.reporter_id for report in case.reports}.difference(case.erasing):
            await self._notices.send(reporter_id, guild_id, key, once=case.id, title=case.voice.title)

    async def _show(self, guild_id: int, case_id: int) -> None:
        """Show a case as it stands, in one message."""
        async with self._showing[guild_id]:
            case = await self.find(guild_id, case_id)
            if message := await self.desk.show(guild_id, case, await self.voice(case)):
                await self._store.servers.change_case(
                    guild_id,
                    case_id,
                    lambda now: replace(now, message=message, displayed_state=case.display_state),
                )

    async def _keep(self) -> None:
        while True:
            try:
                for guild_id in await self._store.servers.ids():
                    await self._look_after(guild_id)
            except OSError:
                _log.exception("which servers have cases can't be read")
            await self._clock.sleep(AGAIN_SECONDS)

    async def _look_after(self, guild_id: int) -> None:
        try:
            for case in await self._store.servers.cases(guild_id):
                if case.decision and not case.done:
                    await self._carry_out(guild_id, case.id)
                elif case.decision and case.decision.at < self._clock.now() - KEPT_SECONDS:
                    await self._store.servers.drop_case(guild_id, case.id)
                elif case.displayed_state != case.display_state and (case.open or case.message):
                    self._background.start(self._show(guild_id, case.id))
        except Exception:  # noqa: BLE001 - one server must not stand in the way of the others
            _log.exception("the cases of server %d could not be taken up", guild_id)
