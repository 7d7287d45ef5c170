"""The composition root: builds every service once, from the settings and the ports."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp

from bot.audio.inspector import SampleInspector
from bot.clock import Clock
from bot.cloning.admission import Admission
from bot.cloning.attempt import CloneAttempt
from bot.cloning.cloner import Cloner
from bot.cloning.consent_gate import ConsentGate
from bot.cloning.job import CloneJob
from bot.cloning.ports import ClonePresenter, ConsentPrompt
from bot.cloning.queue import CloneQueue
from bot.cloning.recorder import VoiceRecorder
from bot.cloning.recovery import Recovery
from bot.cloning.runner import CloneRunner
from bot.cloning.steps import Steps
from bot.consent import Consents
from bot.downloads import MEGABYTE, Previews, SampleDownloads
from bot.erasures import PendingErasures
from bot.jobs.deferred import DeferredReplies, Responder
from bot.jobs.durations import TypicalDuration
from bot.jobs.registry import JobRegistry
from bot.library.deletions import UpstreamDeletions
from bot.library.departures import Departures
from bot.library.library import Library
from bot.library.ports import Membership
from bot.library.shared_voices import SharedVoices
from bot.moderation.cases import Cases
from bot.moderation.enforcement import Enforcement
from bot.moderation.ports import CaseBoard
from bot.moderation.reports import Reports
from bot.moderation.server_voices import ServerVoices
from bot.mureka.accounts import AccountMonitor, OperatorAlerts
from bot.mureka.client import API, MurekaClient
from bot.notifications import Notifications, Notifier
from bot.policy.ports import AuditListener, MemberDirectory
from bot.policy.rules import Rules
from bot.privacy.erasure import Erasure
from bot.privacy.export import Exporter
from bot.settings import Settings
from bot.speaking.attempt import SpeechAttempt
from bot.speaking.job import SpeechJob
from bot.speaking.ports import SpeechPresenter
from bot.speaking.synthesizer import Synthesizer
from bot.store.protocol import Store
from bot.tasks import GRACE_SECONDS, BackgroundTasks

DRAIN_CHECK_SECONDS = 0.05  # seconds between looks at the jobs while the bot stops


@dataclass(frozen=True, slots=True)
class Resources:
    """What the services use and don't own: it is opened before them and closed after them.

    `cdn` is the origin of attachments if Discord is simulated.
    """

    settings: Settings
    store: Store
    session: aiohttp.ClientSession
    previews: Previews
    clock: Clock
    api: str = API
    cdn: str | None = None


@dataclass(frozen=True, slots=True)
class Ports:
    """What the services need from Discord. The client and the cogs implement it."""

    directory: MemberDirectory
    membership: Membership
    clone_presenter: ClonePresenter
    consent_prompt: ConsentPrompt
    speech_presenter: SpeechPresenter
    case_board: CaseBoard
    audit_listener: AuditListener
    notifier: Notifier
    operator_alerts: OperatorAlerts
    responder: Responder


@dataclass(frozen=True, slots=True)
class Services:
    """The services that commands use."""

    clock: Clock
    tasks: BackgroundTasks
    erasures: PendingErasures
    deferred_replies: DeferredReplies
    accounts: AccountMonitor
    rules: Rules
    cloner: Cloner
    library: Library
    departures: Departures
    synthesizer: Synthesizer
    notifications: Notifications
    consents: Consents
    enforcement: Enforcement
    cases: Cases
    reports: Reports
    server_voices: ServerVoices
    erasure: Erasure
    exporter: Exporter

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Resume the work of an earlier run and run the background tasks. Enter after login."""
        await self.erasures.load()
        async with self.tasks:
            try:
                self.tasks.start(self.accounts.run())
                await self.cloner.start()
                await self.notifications.start()
                await self.synthesizer.start()
                await self.deferred_replies.start()
                self.erasure.start()
                self.library.start()
                self.tasks.start(self.departures.run())
                self.server_voices.start()
                self.consents.start()
                self.cases.start()
                yield
            finally:
                self.cloner.close()

    async def drain(self) -> None:
        """Accept and send nothing new. Wait up to `GRACE_SECONDS` for requests in flight and deliveries."""
        self.cloner.close()
        self.synthesizer.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                while self.cloner.busy or self.synthesizer.busy:  # noqa: ASYNC110 - many events end this
                    await asyncio.sleep(DRAIN_CHECK_SECONDS)


@dataclass(frozen=True, slots=True)
class _Core:
    """What most services share."""

    resources: Resources
    ports: Ports
    tasks: BackgroundTasks
    erasures: PendingErasures
    mureka: MurekaClient
    accounts: AccountMonitor
    rules: Rules


def build_services(resources: Resources, ports: Ports) -> Services:
    """Build all services. Nothing is started."""
    core = _core(resources, ports)
    store, clock, tasks, rules, erasures = resources.store, resources.clock, core.tasks, core.rules, core.erasures
    jobs = JobRegistry[CloneJob](store.jobs)
    gate = ConsentGate(store.members, store.servers, store.pending, clock)
    cloner = _cloner(core, jobs, gate)
    shared_voices = SharedVoices(store.members, store.servers, rules, ports.membership, clock)
    deletions = UpstreamDeletions(store.members, store.servers, store.pending, core.mureka, core.accounts, clock)
    departures = Departures(store.servers, shared_voices, ports.membership, clock)
    library = Library(store.members, store.pending, shared_voices, deletions, cloner, erasures, rules, tasks)
    speeches = JobRegistry[SpeechJob](store.speeches)
    synthesizer = _synthesizer(core, library, speeches)
    notifications = Notifications(store.pending, ports.notifier, tasks, clock)
    consents = Consents(
        store.members, store.pending, jobs, store.jobs, gate, cloner, library, notifications, tasks, clock
    )
    board = ports.case_board
    enforcement = Enforcement(store.members, store.servers, store.pending, rules, library, cloner, board, notifications)
    cases = Cases(store.members, store.servers, rules, enforcement, notifications, board, tasks, clock)
    exporter = Exporter(store)
    return Services(
        clock=clock,
        tasks=tasks,
        erasures=erasures,
        deferred_replies=DeferredReplies(store.pending, ports.responder, (jobs, speeches), tasks, clock),
        accounts=core.accounts,
        rules=rules,
        cloner=cloner,
        library=library,
        departures=departures,
        synthesizer=synthesizer,
        notifications=notifications,
        consents=consents,
        enforcement=enforcement,
        cases=cases,
        reports=Reports(store.members, store.servers, rules, shared_voices, cases, clock),
        server_voices=ServerVoices(store.members, store.servers, shared_voices, tasks, clock),
        erasure=Erasure(store, cloner, library, synthesizer, consents, erasures, exporter, tasks, clock),
        exporter=exporter,
    )


def _core(resources: Resources, ports: Ports) -> _Core:
    settings, store, clock = resources.settings, resources.store, resources.clock
    token = settings.useapi_token.get_secret_value()
    mureka = MurekaClient(resources.session, token, clone_timeout=settings.clone_timeout, base=resources.api)
    tasks = BackgroundTasks()
    names = settings.useapi_accounts or (None,)
    return _Core(
        resources,
        ports,
        tasks,
        PendingErasures(store.pending),
        mureka,
        AccountMonitor(names, mureka, ports.operator_alerts, tasks, clock),
        Rules(store.members, store.servers, ports.directory, ports.audit_listener, clock),
    )


def _cloner(core: _Core, jobs: JobRegistry[CloneJob], gate: ConsentGate) -> Cloner:
    settings, store, clock, rules = core.resources.settings, core.resources.store, core.resources.clock, core.rules
    accounts, erasures, presenter = core.accounts, core.erasures, core.ports.clone_presenter
    max_bytes = int(settings.max_sample_mb * MEGABYTE)
    durations = TypicalDuration(store.pending, "clone")
    queue = CloneQueue(accounts, settings.clones_per_account)
    recorder = VoiceRecorder(jobs, store.members, gate, presenter, clock)
    recovery = Recovery(
        jobs, store.members, core.mureka, queue, recorder, presenter, clock, patience=settings.clone_timeout
    )
    admission = Admission(
        jobs,
        store.jobs,
        store.members,
        gate,
        queue,
        accounts,
        durations,
        erasures,
        clock,
        max_sample_bytes=max_bytes,
        max_voices=settings.max_voices_per_member,
    )
    downloads = SampleDownloads(core.resources.session, max_bytes, origin=core.resources.cdn)
    inspector = SampleInspector(max_seconds=settings.max_sample_seconds)
    prompt = core.ports.consent_prompt
    steps = Steps(jobs, store.jobs, downloads, inspector, rules, gate, admission, prompt, clock)
    attempt = CloneAttempt(
        jobs, store.jobs, core.mureka, queue, accounts, rules, gate, recorder, recovery, durations, presenter, clock
    )
    runner = CloneRunner(
        jobs, store.members, steps, attempt, recovery, recorder, gate, presenter, erasures, core.tasks, clock
    )
    return Cloner(jobs, store.pending, admission, runner, queue, recovery, presenter, erasures, clock)


def _synthesizer(core: _Core, library: Library, jobs: JobRegistry[SpeechJob]) -> Synthesizer:
    attempt = SpeechAttempt(jobs, core.mureka, core.accounts, core.resources.clock)
    durations = TypicalDuration(core.resources.store.pending, "speech")
    presenter = core.ports.speech_presenter
    return Synthesizer(jobs, library, attempt, durations, presenter, core.erasures, core.tasks, core.resources.clock)
