"""Members' reports of voices and clips."""

from dataclasses import dataclass

from bot.clock import Clock
from bot.errors import Refused
from bot.library.errors import VoiceUnknown
from bot.library.shared_voices import SharedVoices
from bot.moderation.cases import Cases
from bot.moderation.models import EXCERPT, QuotedClip, Report, ReportedClip, ReportedVoice, ReportReason
from bot.moderation.ports import ModerationRepository
from bot.policy.models import DAY
from bot.policy.rules import Rules
from bot.text import cut
from bot.voices.models import Viewer
from bot.voices.repository import MembersRepository

REPORTS_A_DAY = 10  # the number of reports that a member may send in a server within 24 hours


@dataclass(eq=False, repr=False)
class Reports:
    """Checks reports and adds them to the cases of their servers."""

    members: MembersRepository
    servers: ModerationRepository
    rules: Rules
    shared_voices: SharedVoices
    cases: Cases
    clock: Clock

    async def report(
        self,
        viewer: Viewer,
        name: str,
        reason: ReportReason,
        *,
        owner_id: int,
        voice_id: int,
        quoted: QuotedClip | None,
        text: str = "",
    ) -> None:
        """Report a voice, or a clip made with it. `name` is the reporter's. Raises the errors of `check`."""
        async with self.cases.locks[viewer.guild_id]:
            voice = await self.check(viewer, owner_id, voice_id, quoted)
            clip = await self._get_clip(voice, quoted) if quoted else None
            report = Report(viewer.id, name, reason, self.clock.now(), clip, text)
            await self.cases.add_report(viewer.guild_id, voice, report)

    async def check(self, viewer: Viewer, owner_id: int, voice_id: int, quoted: QuotedClip | None) -> ReportedVoice:
        """Return the reported voice.

        Raises `Refused` if the member is blocked, owns the voice, has already reported it or has reached the
        daily limit, and `VoiceUnknown` if the voice is not shared in the server and no clip is quoted.
        """
        await self.rules.policy_for(viewer)  # refuses blocked members
        voice = await self._get_voice(viewer.guild_id, owner_id, voice_id, quoted)
        if voice.owner_id == viewer.id:
            raise Refused("refused.own_voice")
        cases, now = await self.servers.cases(viewer.guild_id), self.clock.now()
        own = [(case, report) for case in cases for report in case.reports if report.reporter_id == viewer.id]
        if any(case.open and case.voice.voice_id == voice_id for case, _ in own):
            raise Refused("refused.already_reported", title=voice.title)
        today = sorted(report.at for _, report in own if report.at > now - DAY)
        if len(today) >= REPORTS_A_DAY:
            raise Refused("refused.reports_today", limit=REPORTS_A_DAY, when=int(today[-REPORTS_A_DAY] + DAY))
        return voice

    async def _get_voice(self, guild_id: int, owner_id: int, voice_id: int, quoted: QuotedClip | None) -> ReportedVoice:
        """Return a voice that is shared in the server, or the perhaps deleted voice of a quoted clip."""
        if quoted is None:
            if (shared := await self.shared_voices.get(guild_id, voice_id)) is None:
                raise VoiceUnknown
            return ReportedVoice.from_voice(shared, guild_id)
        clips = await self.members.clips(owner_id, voice_id)
        voice = await self.members.voice(owner_id, voice_id)
        if voice and any(clip.id == quoted.speech_id for clip in clips):
            return ReportedVoice.from_voice(voice, guild_id)
        for record in await self.servers.clone_records(guild_id):  # the voice may have been deleted
            if record.voice_id == voice_id and record.owner_id == owner_id:
                title = record.title or quoted.title  # records of older versions have none
                return ReportedVoice(
                    voice_id, owner_id, record.owner_name, title, record.sample_sha256, cloned_here=True
                )
        return ReportedVoice(voice_id, owner_id, "", quoted.title, "", cloned_here=False)

    async def _get_clip(self, voice: ReportedVoice, quoted: QuotedClip) -> ReportedClip:
        """Return the quoted clip, with its author if the clip is still stored."""
        clips = await self.members.clips(voice.owner_id, voice.voice_id)
        clip = next((clip for clip in clips if clip.id == quoted.speech_id), None)
        return ReportedClip(
            cut(quoted.text, EXCERPT),
            (clip and clip.author_id) or 0,
            (clip and clip.author_name) or quoted.author_name,
            quoted.link,
        )
