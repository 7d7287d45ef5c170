"""Cases of reported voices, and moderators' decisions about them."""

import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass, field, replace

from bot.clock import Clock, repeat
from bot.errors import Refused, StoreError, expected_error
from bot.moderation.enforcement import Enforcement
from bot.moderation.models import Case, Decision, Report, ReportedVoice
from bot.moderation.ports import CaseBoard, ClipOutOfReach, ModerationRepository
from bot.notifications import Notifications
from bot.policy.models import DAY, ModAction, UserRef
from bot.policy.rules import Rules
from bot.tasks import BackgroundTasks, Locks
from bot.voices.models import Voice
from bot.voices.repository import MembersRepository

_log = logging.getLogger(__name__)

INTERVAL_SECONDS = 10 * 60.0
"""Seconds between two checks for decisions to resume, messages to update and cases to remove."""

RETENTION_SECONDS = 30 * DAY  # seconds that a decided case is stored; its audit entry is permanent


@dataclass(eq=False, repr=False)
class Cases:
    """The cases of all servers. A report is added to its voice's undecided case, if the server has one.

    A decision is stored before it is enforced. An interrupted one is resumed after a restart.
    """

    members: MembersRepository
    repository: ModerationRepository
    rules: Rules
    enforcement: Enforcement
    notifications: Notifications
    board: CaseBoard
    tasks: BackgroundTasks
    clock: Clock
    _showing: Locks = field(default_factory=Locks, init=False)
    _enforcing: Locks = field(default_factory=Locks, init=False)
    locks: Locks = field(default_factory=Locks, init=False)
    """By server ID. Each is held from the check of a report or removal until it is stored."""

    def start(self) -> None:
        """Resume interrupted decisions, and run the periodic checks."""
        self.tasks.start(repeat(self._process_all, self.clock, INTERVAL_SECONDS))

    async def open(self, guild_id: int) -> list[Case]:
        """Return the undecided cases, oldest first."""
        cases = [case for case in await self.repository.cases(guild_id) if case.open]
        return sorted(cases, key=lambda case: case.reports[0].at)

    async def get(self, guild_id: int, case_id: int) -> Case:
        """Return a case of this server. Raises `Refused` if there is none with this ID."""
        if case := await self._find(guild_id, case_id):
            return case
        raise Refused("refused.case_unknown")

    async def _find(self, guild_id: int, case_id: int) -> Case | None:
        return next((case for case in await self.repository.cases(guild_id) if case.id == case_id), None)

    async def voice(self, case: Case) -> Voice | None:
        """Return the voice of a case. Returns None if it was deleted or can't be read."""
        try:
            voice = await self.members.voice(case.voice.owner_id, case.voice.voice_id)
        except StoreError:
            return None
        return None if voice is None or voice.deleting else voice

    async def add_report(self, guild_id: int, voice: ReportedVoice, report: Report) -> None:
        """Add a report to the voice's open case, or to a new one. The caller holds the server's lock."""

        def with_report(case: Case) -> Case:  # it may have been decided since it was read
            return replace(case, reports=(*case.reports, report)) if case.open else case

        for case in await self.open(guild_id):
            if case.voice.voice_id == voice.voice_id:
                changed = await self.repository.change_case(guild_id, case.id, with_report)
                if changed and changed.open:
                    self.tasks.start(self._show(guild_id, case.id))
                    return
        case = Case(secrets.randbits(40), voice, (report,))
        await self.repository.put_case(guild_id, case)
        self.tasks.start(self._show(guild_id, case.id))

    async def remove(self, guild_id: int, by: UserRef, voice: Voice, reason: str) -> bool:
        """Remove a voice, and decide its open case. Returns True if it was cloned here and is therefore deleted."""
        decision = Decision(ModAction.REMOVE, by, self.clock.now(), reason)
        await self._enforce_now(guild_id, await self._put_removal(guild_id, voice, decision))
        return voice.guild_id == guild_id

    async def _put_removal(self, guild_id: int, voice: Voice, decision: Decision) -> int:
        """Decide the open case of a voice, or a new one. Returns its ID. Raises `Refused` if it is being removed."""
        async with self.locks[guild_id]:
            case = Case(secrets.randbits(40), ReportedVoice.from_voice(voice, guild_id))
            for other in await self.repository.cases(guild_id):
                if other.voice.voice_id == voice.id and not other.done and other.outcome in {"open", "remove"}:
                    case = other
            if not case.reports and case.open:
                await self.repository.put_case(guild_id, case)
            await self._put_decision(guild_id, case.id, decision)
        return case.id

    async def decide(self, guild_id: int, case_id: int, decision: Decision) -> Case:
        """Decide a case and enforce the decision. Raises `Refused` if it has been decided."""
        decided = await self._put_decision(guild_id, case_id, decision)
        await self._enforce_now(guild_id, case_id)
        return decided.closed()

    async def _put_decision(self, guild_id: int, case_id: int, decision: Decision) -> Case:
        def decided(case: Case) -> Case:
            _check_undecided(case)
            return replace(case, decision=decision)

        case = await self.repository.change_case(guild_id, case_id, decided)
        if case is None:
            raise Refused("refused.case_unknown")
        return case

    async def _enforce_now(self, guild_id: int, case_id: int) -> None:
        """Enforce a decision, and what it decided about other clones of the same sample."""
        try:
            decision = (await self.get(guild_id, case_id)).decision
            await self._enforce(guild_id, case_id)
            for case in await self.repository.cases(guild_id):
                if case.decision == decision and not case.done:
                    await self._enforce(guild_id, case.id)
        except StoreError as error:
            _log.error("the decision of case %d in server %d is to be resumed: %s", case_id, guild_id, error)
            raise Refused("refused.not_carried_out") from error

    async def _enforce(self, guild_id: int, case_id: int) -> None:
        """Enforce a decision unless that is done. Every step is idempotent.

        If the clip can't be deleted, the case is undecided again, so that moderators can decide otherwise.
        """
        async with self._enforcing[case_id]:
            if (case := await self._find(guild_id, case_id)) is None:
                return
            if case.decision and not case.done:
                try:
                    await self._apply(guild_id, case, case.decision)
                except ClipOutOfReach:
                    await self.repository.change_case(guild_id, case_id, lambda case: replace(case, decision=None))
                    raise
                await self._notify_reporters(guild_id, case)
                erasing = (await self.get(guild_id, case_id)).erasing
                await self.repository.change_case(guild_id, case_id, Case.closed)
                if case.voice.owner_id in erasing:  # the case would name them for another month
                    await self.repository.remove_case(guild_id, case_id)
                    return
        self.tasks.start(self._show(guild_id, case_id))

    async def _apply(self, guild_id: int, case: Case, decision: Decision) -> None:
        reported = case.voice
        match decision.action:
            case ModAction.REMOVE:
                await self.enforcement.ban(guild_id, reported)
                for clone in await self.enforcement.same_sample(guild_id, reported):
                    with suppress(Refused):  # it is being removed already
                        await self._put_removal(guild_id, clone, decision)
                await self.enforcement.remove(guild_id, case, decision)
                return
            case ModAction.REMOVE_CLIP:
                await self.enforcement.remove_clips(guild_id, case, decision)
            case ModAction.BLOCK:
                await self.enforcement.block_member(guild_id, case, decision)
            case _:
                await self.rules.record_once(guild_id, case.audit_entries())
        their_clip = case.outcome == "remove_clip" and any(clip.author_id == reported.owner_id for clip in case.clips)
        if case.outcome != "block" and not their_clip and reported.owner_id not in case.erasing:
            key = f"notice.owner.{case.outcome}"
            await self.notifications.send(reported.owner_id, guild_id, key, once=case.id, title=reported.title)

    async def _notify_reporters(self, guild_id: int, case: Case) -> None:
        key = f"notice.reported.{case.outcome}"
        for reporter_id in {report.reporter_id for report in case.reports}.difference(case.erasing):
            await self.notifications.send(reporter_id, guild_id, key, once=case.id, title=case.voice.title)

    async def _show(self, guild_id: int, case_id: int) -> None:
        """Post a case in the log channel, or update its message."""
        async with self._showing[guild_id]:
            case = await self.get(guild_id, case_id)
            if message := await self.board.show(guild_id, case, await self.voice(case)):
                await self.repository.change_case(
                    guild_id, case_id, lambda now: replace(now, message=message, displayed_state=case.display_state)
                )

    async def _process_all(self) -> None:
        for guild_id in await self.repository.ids():
            await self.process(guild_id)

    async def process(self, guild_id: int) -> None:
        """Resume a server's interrupted decisions, update its messages and remove old cases."""
        try:
            for case in await self.repository.cases(guild_id):
                await self._try_to_process(guild_id, case)
        except Exception as error:  # noqa: BLE001 - the other servers are processed anyway
            expected_error(f"processing the cases of server {guild_id}", error)

    async def _try_to_process(self, guild_id: int, case: Case) -> None:
        try:
            if case.decision and not case.done:
                await self._enforce(guild_id, case.id)
            elif case.decision and case.decision.at < self.clock.now() - RETENTION_SECONDS:
                await self.repository.remove_case(guild_id, case.id)
            elif case.displayed_state != case.display_state and (case.open or case.message):
                self.tasks.start(self._show(guild_id, case.id))
        except Exception as error:  # noqa: BLE001 - the other cases are processed anyway
            expected_error(f"processing case {case.id} of server {guild_id}", error)


def _check_undecided(case: Case) -> None:
    if case.decision:
        raise Refused("refused.case_decided", name=case.decision.by.name)
