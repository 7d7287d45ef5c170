"""Every exception of ours; each knows the catalog sentence that a person reads.

ClonevoiceError
├── Unexpected                   a mistake of ours; its `id` is in the log
├── Recalled                     an earlier error, read back from its record
├── SettingsError
│   ├── SettingMissing, SettingMalformed, SettingsUnreadable
│   ├── FolderUnusable           the data folder can't be made or written to
│   └── DiscordTokenRefused
├── DiscordUnreachable           at start
├── DemoNotInstalled, PortUnusable   the demo's extra is missing; it can't be served there
├── StoreError
│   ├── FolderInUse              another process owns the data folder
│   ├── RecordDamaged            a file that is not JSON was set aside
│   └── RecordUnwritable         the disk is full or refuses
├── Refused                      a member's request that can't be met; nothing was sent
│   ├── TitleBlank, TitleTaken, TooManyVoices
│   ├── OfferUnanswered, OfferLapsed, Cancelled, TooLateToCancel
│   ├── QueueFull, Restarting
│   ├── AlreadyCloning           one clone a member at a time
│   ├── VoiceUnknown, VoiceAmbiguous, BeingDeleted, VoiceWithdrawn, NoServer
│   ├── TextBlank, TextTooLong, SpeakingAlready
│   ├── NoAudio                  a message without an audio file
│   ├── SpeakerNotNeeded, SpeakerIsYou, SpeakerIsBot, SpeakerNotHere, SpeakerBeingAsked, SpeakerAsked
│   ├── SpeakerUnreachable       neither by direct message nor in the channel
│   ├── TooManyQuestions         of all members to their speakers
│   ├── SpeakerRefused, ApprovalUnanswered, ApprovalRevoked, RequestClosed, NotTheSpeaker
│   ├── BeingForgotten, Forgotten, ForgetUnconfirmed
│   ├── RuleUnmet                a server's moderators decided otherwise
│   │   ├── CloningOff, SharingOff, SpeakingOff
│   │   ├── RoleNeeded, ChannelNotAllowed, AccountTooYoung, MemberTooNew
│   │   ├── ApprovalNeeded, ApprovalMissing, OutsidersOff, SampleBlocked, VoiceBarred
│   │   └── TooManyVoicesHere, ClonesToday, Blocked
│   ├── NotModerator, NotBlocked, VoiceNotHere, ActOnSelf, ActOnServerOwner, ActOnBot
│   ├── EverybodyModerates       the role of all members was chosen for moderation
│   ├── DaysMalformed, ReasonBlank, OwnVoice, AlreadyReported, ReportsToday, CaseUnknown, CaseDecided
│   ├── NotCarriedOutYet         decided and on record, and done as soon as the disk lets it
│   └── SampleRefused
│       ├── SampleEmpty, SampleTooLarge, SampleNotAudio, SampleNotMp3, SampleBroken, SampleCutOff
│       ├── SampleTooShort, SampleTooLong, SampleSilent, SampleUnreadable
│       └── LinkDead, LinkSlow   Discord's file link
└── MurekaError                  an answer of the API, or none
    ├── Rejected                 400
    ├── TokenRefused             401
    ├── AccountExhausted         402, 412
    ├── AccountMissing           404
    ├── TooManyAtOnce            429
    ├── SessionDied              596
    ├── NotSent                  the connection failed before the body was sent: nothing happened
    ├── VoiceNotFound            looked for after an unknown outcome, and not there
    ├── VoiceLost                recorded here, but the API has it no more
    ├── SpeechFailed             the API could not speak a line
    ├── JobForgotten             404 to a job: nobody knows any more what became of a line
    └── OutcomeUnknown           the request may have taken effect: never send it again blindly
        ├── UpstreamFailed       5xx, and any status that the API does not document
        ├── NoAnswer             time-out
        ├── ConnectionLost       after the body was sent
        └── AnswerUnreadable     cut off, not JSON, too large, or a clone without an id
"""


class ClonevoiceError(Exception):
    """An expected failure: `key` names its sentence in the catalog, `values` fill it in."""

    key: str

    def __init__(self, **values: object) -> None:
        super().__init__(self.key)
        self.values = values

    def __str__(self) -> str:
        """Say the key and the values, for logs; people read the catalog's sentence."""
        return " ".join([self.key, *(f"{name}={value!r}" for name, value in self.values.items())])


class Recalled(ClonevoiceError):
    """An error of the past: its `key` and its values, for whoever has not been told yet."""

    def __init__(self, key: str, **values: object) -> None:
        self.key = key
        super().__init__(**values)


class Unexpected(ClonevoiceError):
    """Something failed that never should: `id` finds it in the log."""

    key = "error.unexpected"


class SettingsError(ClonevoiceError):
    """The bot can't start as it is set up; the operator has to change something."""


class SettingMissing(SettingsError):
    """A required setting is not there: `variable`."""

    key = "settings.missing"


class SettingMalformed(SettingsError):
    """A setting is not what its sentence says it must be; each `field` of the settings has its own."""

    def __init__(self, field: str) -> None:
        self.key = f"settings.malformed.{field}"
        super().__init__()


class SettingsUnreadable(SettingsError):
    """A file of settings can't be read, for `reason`."""

    key = "settings.unreadable"


class FolderUnusable(SettingsError):
    """The data `folder` can't be made or written to, for `reason`."""

    key = "settings.folder"


class DiscordTokenRefused(SettingsError):
    """Discord does not accept the bot's token."""

    key = "settings.discord_token"


class DiscordUnreachable(ClonevoiceError):
    """Discord can't be reached at start, for `reason`."""

    key = "error.discord_unreachable"


class DemoNotInstalled(ClonevoiceError):
    """The libraries of the demo are missing."""

    key = "error.demo_not_installed"


class PortUnusable(ClonevoiceError):
    """The demo can't be served on `port`, for `reason`."""

    key = "error.port"


class StoreError(ClonevoiceError):
    """The data folder can't be used as it is."""


class FolderInUse(StoreError):
    """Another process holds the lock of the data folder: `folder`."""

    key = "store.in_use"


class RecordDamaged(StoreError):
    """A file was not JSON and was set aside: `file`, its name within the data folder, and `aside`."""

    key = "store.damaged"


class RecordUnwritable(StoreError):
    """The store could not write; what it held before is as it was."""

    key = "store.unwritable"


class Refused(ClonevoiceError):
    """A member asked for something that can't be done; nothing was sent, charged or kept."""


class TitleBlank(Refused):
    """The title has no visible character."""

    key = "refused.title_blank"


class TitleTaken(Refused):
    """The member has a voice, or a clone under way, of this `title`."""

    key = "refused.title_taken"


class TooManyVoices(Refused):
    """The member has as many voices as allowed: `limit`."""

    key = "refused.too_many_voices"


class OfferLapsed(Refused):
    """A button's clone is over or forgotten."""

    key = "refused.offer_lapsed"


class OfferUnanswered(Refused):
    """The member did not say whether a sample of unusual length is to be cloned anyway."""

    key = "refused.unanswered"


class Cancelled(Refused):
    """The member called it off."""

    key = "refused.cancelled"


class TooLateToCancel(Refused):
    """The sample is on its way."""

    key = "refused.too_late"


class QueueFull(Refused):
    """Too many clones wait; there is room in about `minutes`."""

    key = "refused.queue_full"


class Restarting(Refused):
    """The bot is about to stop and takes no new clones."""

    key = "refused.restarting"


class AlreadyCloning(Refused):
    """The member has a clone under way."""

    key = "refused.already_cloning"


class VoiceUnknown(Refused):
    """There is no such voice, or it is none of the member's business."""

    key = "refused.voice_unknown"


class VoiceAmbiguous(Refused):
    """Several members share a voice of this `title`."""

    key = "refused.voice_ambiguous"


class BeingDeleted(Refused):
    """The voice called `title` is on its way out."""

    key = "refused.being_deleted"


class VoiceWithdrawn(Refused):
    """The voice called `title` was unshared or deleted while a line was being spoken with it."""

    key = "refused.withdrawn"


class NoServer(Refused):
    """Sharing is a server's, and this is a direct message."""

    key = "refused.no_server"


class TextBlank(Refused):
    """The text has no letter and no digit."""

    key = "refused.text_blank"


class TextTooLong(Refused):
    """The text has more than `limit` characters: `length`."""

    key = "refused.text_too_long"


class SpeakingAlready(Refused):
    """As many lines of the member's as allowed, `limit`, are being spoken."""

    key = "refused.speaking_already"


class NoAudio(Refused):
    """The message has no audio file."""

    key = "refused.no_audio"


class BeingForgotten(Refused):
    """All that is stored about the member is being deleted."""

    key = "refused.being_forgotten"


class Forgotten(Refused):
    """What was under way goes with all else that was stored about the member."""

    key = "refused.forgotten"


class ForgetUnconfirmed(Refused):
    """The member did not type `word`."""

    key = "refused.forget_unconfirmed"


class SpeakerNotNeeded(Refused):
    """A speaker was named for the member's own voice."""

    key = "refused.speaker_not_needed"


class SpeakerIsYou(Refused):
    """The member named themselves as the speaker who gave permission."""

    key = "refused.speaker_is_you"


class SpeakerIsBot(Refused):
    """A bot was named as the speaker."""

    key = "refused.speaker_is_bot"


class SpeakerNotHere(Refused):
    """The named speaker is not in this server."""

    key = "refused.speaker_not_here"


class SpeakerBeingAsked(Refused):
    """The speaker called `name` is being asked by this member just now."""

    key = "refused.speaker_being_asked"


class SpeakerAsked(Refused):
    """The speaker called `name` said no, or was asked often enough; again at `when` (Unix seconds)."""

    key = "refused.speaker_asked"


class TooManyQuestions(Refused):
    """More speakers are being asked than samples can be kept for."""

    key = "refused.too_many_questions"


class SpeakerUnreachable(Refused):
    """The speaker called `name` can be asked neither by direct message nor in the channel."""

    key = "refused.speaker_unreachable"


class SpeakerRefused(Refused):
    """The speaker called `name` does not approve."""

    key = "refused.speaker_refused"


class ApprovalUnanswered(Refused):
    """The speaker called `name` did not answer in `days`."""

    key = "refused.approval_unanswered"


class ApprovalRevoked(Refused):
    """The speaker called `name` took the approval back."""

    key = "refused.approval_revoked"


class RequestClosed(Refused):
    """A speaker's question is over: answered, called off, or lapsed."""

    key = "refused.request_closed"


class NotTheSpeaker(Refused):
    """A question is for another member."""

    key = "refused.not_the_speaker"


class RuleUnmet(Refused):
    """The rules of this server don't allow it."""


class CloningOff(RuleUnmet):
    """Nobody may clone here."""

    key = "rule.cloning_off"


class SharingOff(RuleUnmet):
    """Nobody may share here."""

    key = "rule.sharing_off"


class SpeakingOff(RuleUnmet):
    """Nobody may speak here."""

    key = "rule.speaking_off"


class RoleNeeded(RuleUnmet):
    """Cloning needs one of the `roles`, written as mentions."""

    key = "rule.role"


class ChannelNotAllowed(RuleUnmet):
    """Cloning is for the `channels`, written as mentions."""

    key = "rule.channel"


class AccountTooYoung(RuleUnmet):
    """The member's account must be `days` old, which it is at `when` (Unix seconds)."""

    key = "rule.account_age"


class MemberTooNew(RuleUnmet):
    """The member must have been here for `days`, which they have at `when` (Unix seconds)."""

    key = "rule.member_age"


class TooManyVoicesHere(RuleUnmet):
    """The member has cloned as many voices here as allowed: `limit`."""

    key = "rule.voices"


class ClonesToday(RuleUnmet):
    """`limit` clones a day are allowed, and there is room again at `when` (Unix seconds)."""

    key = "rule.clones"


class ApprovalNeeded(RuleUnmet):
    """Whoever's voice it is has to approve, and so must be named."""

    key = "rule.approval"


class ApprovalMissing(RuleUnmet):
    """Nobody approved the voice called `title`, which is not its owner's own."""

    key = "rule.approval_missing"


class OutsidersOff(RuleUnmet):
    """Voices of people outside Discord may not be cloned here."""

    key = "rule.outsiders_off"


class SampleBlocked(RuleUnmet):
    """Moderators removed a voice that was made of this sample."""

    key = "rule.sample_blocked"


class VoiceBarred(RuleUnmet):
    """Moderators barred the voice called `title` from this server."""

    key = "rule.voice_barred"


class Blocked(RuleUnmet):
    """The member is blocked here for `reason`, for good or until `when` (Unix seconds)."""

    def __init__(self, *, reason: str, when: int | None) -> None:
        self.key = "rule.blocked" if when is None else "rule.blocked_until"
        super().__init__(reason=reason, when=when)


class NotModerator(Refused):
    """Only those who manage the server, or have its moderation role, may do that."""

    key = "refused.not_moderator"


class NotBlocked(Refused):
    """The member is not blocked here."""

    key = "refused.not_blocked"


class VoiceNotHere(Refused):
    """A moderator named a voice that was not cloned here and is not shared here."""

    key = "refused.voice_not_here"


class ActOnSelf(Refused):
    """A moderator wants to decide about themselves, or about their own voice."""

    key = "refused.act_on_self"


class ActOnServerOwner(Refused):
    """A moderator wants to block the server's owner."""

    key = "refused.act_on_server_owner"


class ActOnBot(Refused):
    """A moderator wants to block a bot."""

    key = "refused.act_on_bot"


class DaysMalformed(Refused):
    """The days of a block are no whole number from 1 to `most`."""

    key = "refused.days"


class EverybodyModerates(Refused):
    """The role that all members have was chosen as moderation role."""

    key = "refused.everybody_moderates"


class ReasonBlank(Refused):
    """A moderator gave a reason with nothing to read."""

    key = "refused.reason_blank"


class OwnVoice(Refused):
    """A member wants to report their own voice."""

    key = "refused.own_voice"


class AlreadyReported(Refused):
    """The member has reported the voice called `title`, and that is not decided yet."""

    key = "refused.already_reported"


class ReportsToday(Refused):
    """`limit` reports a day are allowed, and the next is possible at `when` (Unix seconds)."""

    key = "refused.reports_today"


class CaseUnknown(Refused):
    """There is no such case in this server, or not any more."""

    key = "refused.case_unknown"


class NotCarriedOutYet(Refused):
    """A decision is on record, and is carried out as soon as nothing stands in its way."""

    key = "refused.not_carried_out"


class CaseDecided(Refused):
    """The moderator called `name` was quicker."""

    key = "refused.case_decided"


class SampleRefused(Refused):
    """The sample can't be cloned."""


class SampleEmpty(SampleRefused):
    """No bytes at all."""

    key = "sample.empty"


class SampleTooLarge(SampleRefused):
    """More than `limit` MB."""

    key = "sample.too_large"


class SampleNotAudio(SampleRefused):
    """No decoder finds sound in it."""

    key = "sample.not_audio"


class SampleNotMp3(SampleRefused):
    """Something else under the name of an MP3: `actual`, its real format."""

    key = "sample.not_mp3"


class SampleBroken(SampleRefused):
    """Over 1 % of the audio doesn't decode."""

    key = "sample.broken"


class SampleCutOff(SampleRefused):
    """The file ends before the audio does."""

    key = "sample.cut_off"


class SampleTooShort(SampleRefused):
    """Under `limit` seconds: `seconds`."""

    key = "sample.too_short"


class SampleTooLong(SampleRefused):
    """Over `limit` seconds: `seconds`."""

    key = "sample.too_long"


class SampleSilent(SampleRefused):
    """Nearly silent: `rms`, in dBFS."""

    key = "sample.silent"


class SampleUnreadable(SampleRefused):
    """The decoder ran out of its time or memory."""

    key = "sample.unreadable"


class LinkDead(SampleRefused):
    """Discord's link gave no file, or broke off half way."""

    key = "sample.link_dead"


class LinkSlow(SampleRefused):
    """The download took longer than `limit` seconds."""

    key = "sample.link_slow"


class MurekaError(ClonevoiceError):
    """The API did not do what it was asked; see the table of answers in `bot.voices.mureka`."""


class Rejected(MurekaError):
    """400: refused for `reason`."""

    key = "mureka.rejected"


class TokenRefused(MurekaError):
    """401: the operator's token is not accepted."""

    key = "mureka.token_refused"


class AccountExhausted(MurekaError):
    """402 or 412: the plan expired or the credits are used up."""

    key = "mureka.exhausted"


class AccountMissing(MurekaError):
    """404: no such account or configuration."""

    key = "mureka.account_missing"


class TooManyAtOnce(MurekaError):
    """429: `retry_after` seconds should pass first."""

    key = "mureka.too_many"

    def __init__(self, *, retry_after: float) -> None:
        super().__init__(retry_after=retry_after)
        self.retry_after = retry_after


class SessionDied(MurekaError):
    """596: the Mureka session died; `code` says how."""

    key = "mureka.session_died"
    retry_after = 10.0

    def __init__(self, *, code: str) -> None:
        super().__init__(code=code)
        self.soon_over = code == "REFRESH_IN_PROGRESS"


class NotSent(MurekaError, ConnectionError):
    """The connection failed before the whole body was handed over: nothing happened upstream."""

    key = "mureka.not_sent"


class VoiceNotFound(MurekaError):
    """After an unknown outcome the voice did not appear in the list for as long as a clone may take."""

    key = "mureka.not_found"


class VoiceLost(MurekaError):
    """The API no longer has the voice called `title`, which is on record here."""

    key = "line.voice_lost"


class SpeechFailed(MurekaError):
    """The API took a line and then could not speak it."""

    key = "line.speech_failed"


class JobForgotten(MurekaError):
    """The API no longer knows the job that spoke a line; its page says that jobs are kept for 7 days."""

    key = "line.job_forgotten"


class OutcomeUnknown(MurekaError):
    """The request may have taken effect."""

    key = "mureka.unknown"


class UpstreamFailed(OutcomeUnknown):
    """5xx, or a `status` that is not documented."""


class NoAnswer(OutcomeUnknown, TimeoutError):
    """No answer within the time-out."""


class ConnectionLost(OutcomeUnknown, ConnectionError):
    """The connection broke after the body was sent."""


class AnswerUnreadable(OutcomeUnknown):
    """An answer that is not what the API documents."""
