"""Reasons of reports and decisions: typed ones are kept as they are, the catalog's are read in any language."""

from dataclasses import replace

import pytest
from simcord.results import InteractionResult

from bot.i18n import ENGLISH, translate
from support.audio import mp3
from support.clocks import until
from support.languages import GERMAN, install, speak_in
from support.moderators import Court, choose_reason, complain, entry_of, logged, shared, slur_reported
from support.people import delete, forget, press, said_to, speak
from support.reading import fields, message, replies, sentence, text
from support.world import World, on_disk
from test_forms import reopened, values_of

SHORT = ("short.mp3", mp3(seconds=5))
HATE = "report.reason.hate"
OTHER = sentence("report.reason.other")


async def decision_form(court: Court, wish: str) -> InteractionResult:
    case = await court.open_case()
    return await court.hedy.click(message(case), label=translate("de", f"button.case.{wish}"))


class TestDefaultReason:
    """A moderator who keeps the reason of the report stores its code, which each reader sees in their language."""

    @pytest.fixture(autouse=True)
    def german(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        install(monkeypatch, "de", GERMAN)
        self.world = world

    async def kept(self, court: Court, wish: str) -> None:
        """Have a German moderator decide a case with the reason that the form offers."""
        await shared(self.world)
        await complain(self.world, self.world.grace, "hate")
        speak_in(self.world, "de")
        form = await decision_form(court, wish)
        [reason, *_] = values_of(form)
        assert reason == GERMAN[HATE]
        await court.hedy.submit_modal(form, {fields(form)[0]: reason})
        assert GERMAN[HATE] not in on_disk(self.world)

    async def test_removal(self, court: Court):
        log, world = await logged(court), self.world
        await self.kept(court, "remove")
        [entry] = [entry for entry in await court.audit() if entry.action == "remove"]
        assert (entry.reason, entry.reason_code) == ("", "hate")
        await until(lambda: any(sentence(HATE) in told for told in said_to(world.ada)))
        await until(lambda: any(sentence(HATE) in entry_of(one) for one in log.history()))
        for locale in ("de", ENGLISH):
            speak_in(world, locale)
            assert f": {translate(locale, HATE)}" in text(await court.list("audit"))
        await until(
            lambda: any(sentence(HATE) in str(one.embeds[0].description) for one in log.history() if one.embeds)
        )

    async def test_block(self, court: Court):
        world = self.world
        card = await world.send(world.ada, title="Short", sample=SHORT, wait=False)
        await until(lambda: sentence("stage.present.waiting", length="0:05").splitlines()[0][:10] in text(card))
        await self.kept(court, "block")
        refusal = sentence("rule.blocked", reason=sentence(HATE))
        await until(lambda: refusal in text(card))
        for locale in ("de", ENGLISH):
            speak_in(world, locale)
            reason = translate(locale, HATE)
            assert text(await speak(world, world.ada)) == translate(locale, "rule.blocked", reason=reason)
            assert f": {reason}" in text(await court.list("blocked"))
        await until(lambda: any(sentence(HATE) in told for told in said_to(world.ada)))

    async def test_clip(self, court: Court):
        world = self.world
        log = await slur_reported(court, world.grace)
        form = await court.hedy.click(log.history()[-1], label=sentence("button.case.remove_clip"))
        [(reason, kept)] = zip(fields(form), values_of(form), strict=True)
        await court.hedy.submit_modal(form, {reason: kept})
        await until(lambda: said_to(world.grace))
        [told] = said_to(world.grace)
        assert told == sentence("notice.clip_removed", server="Voice Club", title="Ada", reason=kept, by="hedy")

    async def test_unknown_code_is_no_reason(self, court: Court, world: World):
        await court.block(world.ada)
        [block] = await world.services.rules.blocked(world.guild_id)
        refusal = replace(block, reason_code="new").refusal()
        assert translate(ENGLISH, refusal.key, **refusal.values) == sentence("rule.blocked", reason="spam")


async def something_else(world: World, typed: str) -> InteractionResult:
    """Have Linus report Ada's shared voice for another reason than those of the list; return the last answer."""
    card = await world.linus.slash(world.channel, "voices show", voice="Ada")
    asked = await press(world.linus, card, "button.report")
    form = await choose_reason(world.linus, message(asked), "other")
    return await world.linus.submit_modal(form, {fields(form)[0]: typed})


@pytest.mark.parametrize("typed", ["  ", OTHER])
async def test_decision_about_something_else_needs_a_text(court: Court, world: World, typed: str):
    await shared(world)
    thanks = await something_else(world, "It is a *deepfake*")
    assert text(thanks) == sentence("report.thanks")
    shown = await court.open_case()
    assert r"“It is a \*deepfake\*”" in text(shown)
    form = await court.hedy.click(message(shown), label=sentence("button.case.remove"))
    assert values_of(form) == [""]
    refused = await court.hedy.submit_modal(form, {fields(form)[0]: typed})
    assert sentence("refused.reason_blank") in replies(refused)
    again = await reopened(court.hedy, refused)
    assert values_of(again) == [typed]
    await court.hedy.submit_modal(again, {fields(again)[0]: "A *deepfake*"})
    [entry] = await court.audit()
    assert (entry.reason, entry.reason_code) == ("A *deepfake*", "")


async def test_report_about_something_else_needs_a_text_and_keeps_the_clip(court: Court, world: World):
    await shared(world)
    await speak(world, world.ada, said="slur")
    asked = await world.linus.click(world.channel.history()[-1], label=sentence("button.report"))
    form = await choose_reason(world.linus, message(asked), "other")
    assert await court.cases() == []
    refused = await world.linus.submit_modal(form, {fields(form)[0]: "\u2800"})
    assert sentence("refused.reason_blank") in text(refused)
    again = await reopened(world.linus, refused)
    await world.linus.submit_modal(again, {fields(again)[0]: "It is *not* Ada"})
    [case] = await court.cases()
    [report] = case.reports
    assert (report.reason, report.text, report.clip and report.clip.text) == ("other", "It is *not* Ada", "slur")
    assert "It is *not* Ada" in str(await world.services.exporter.export(world.linus.id))
    await court.decide(case)
    await forget(world, world.linus)
    assert "It is *not* Ada" not in on_disk(world)


async def test_title_of_a_clip_is_reported_as_typed(court: Court, world: World, monkeypatch: pytest.MonkeyPatch):
    """Nothing but the clip's message says the title of a voice that was cloned elsewhere and is deleted."""
    install(monkeypatch, "de", GERMAN)
    await world.voice(world.ada, "Ada", share=True, guild_id=1)
    speak_in(world, "de")
    await speak(world, world.ada)
    speak_in(world, ENGLISH)
    await delete(world, world.ada)
    asked = await world.linus.click(world.channel.history()[-1], label=translate("de", "button.report"))
    await choose_reason(world.linus, message(asked), "hate")
    [case] = await court.cases()
    assert (case.voice.title, case.voice.owner_name) == ("Ada", "")


async def test_report_that_has_become_impossible_is_refused(court: Court, world: World):
    await shared(world)
    card = await world.linus.slash(world.channel, "voices show", voice="Ada")
    asked = await press(world.linus, card, "button.report")
    form = await choose_reason(world.linus, message(asked), "other")
    await court.block(world.linus)
    refused = await world.linus.submit_modal(form, {fields(form)[0]: "x"})
    assert text(refused) == sentence("rule.blocked", reason="spam")
    assert await court.cases() == []


@pytest.mark.parametrize("form", [False, True])
async def test_report_of_a_clip_is_never_filed_as_one_of_its_voice(court: Court, world: World, *, form: bool):
    voice_id = await world.voice(world.ada, "Ada", share=True)
    reported = f"{world.ada.id}:{voice_id}:{'f' * 16}"
    if form:
        result = await world.linus.click(await world.forge(f"form:report:{reported}"), label="x")
    else:
        result = await world.linus.select(await world.forge_select(f"reason:{reported}", "hate"), ["hate"])
    assert sentence("refused.action_unknown") in replies(result)
    assert await court.cases() == []
