"""Rights and consent: the declaration, the request to the speaker, and withdrawal."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import simcord
from simcord.builders import UserHandle
from simcord.results import InteractionResult

import bot
from bot.i18n import ENGLISH, Markup, catalog, translate
from bot.store.tiny.members import TinyMembers
from bot.voices.models import WORDING_VERSION, Rights
from cogs.clonevoice import CloneVoice
from cogs.consent import question as question_module
from support.audio import GOOD
from support.clocks import DAY, until
from support.consents import approved, ask, asked, click, consents, job_id, question
from support.faults import full_disk
from support.languages import GERMAN, install, set_server_language, speak_in
from support.moderators import Court
from support.people import MENU, clone_message, forget, press, speak
from support.reading import UNKNOWN, buttons, fields, replies, sentence, text
from support.reading import message as received
from support.world import World, on_disk


async def revoke(world: World) -> None:
    for key in ("button.revoke", "button.sure"):
        await click(world, question(world), key)


async def test_consent_goes_from_request_to_withdrawal_across_restarts(world: World):
    # Ada clones a recording of Grace and names her as the speaker.
    card, message = await asked(world)
    assert "✅ Sample checked" in text(card)
    assert world.posts() == []

    # The request names member, title and server. The bot is restarted.
    assert "ada" in (message.embeds[0].description or "")
    assert "Voice Club" in (message.embeds[0].description or "")
    assert message.attachments == []
    await world.restart()
    assert len(world.grace.user.dm_channel.history()) == 1, "the speaker is asked once"

    # Grace listens in private and approves.
    opened_ = await click(world, question(world), "button.open")
    assert opened_.ephemeral
    assert [file.filename for file in received(opened_).attachments] == ["Grace-by-Ada.mp3"]
    await world.grace.user.click(received(opened_), label=sentence("button.approve"))
    assert buttons(opened_) == [sentence("button.revoke")]
    await until(lambda: world.stored(world.ada) and not world.jobs())

    # Her file holds the consent with its wording, its owner and its voice.
    [consent] = consents(world, world.grace)
    [voice] = world.stored(world.ada)
    assert (consent["owner_id"], consent["voice_id"]) == (world.ada.id, voice["id"])
    wording = sentence("consent.wording", owner=Markup("ada"), title=Markup("Grace by Ada"))
    assert consent["statement"]["wording"] == wording
    assert (consent["statement"]["by"], consent["statement"]["version"]) == (world.grace.id, 2)
    assert voice["speaker"] == {"id": world.grace.id, "name": "grace"}

    # Ada can use the voice; Grace can see it but not use it.
    await world.restart()
    assert world.posts()[0].method == "POST"
    suggested = await world.grace.autocomplete(world.channel, "voices show", "voice", "")
    assert [choice["name"] for choice in suggested] == ["Grace by Ada (you, cloned by ada)"]
    shown = await world.grace.slash(world.channel, "voices show", voice="Grace by Ada")
    assert buttons(shown) == [sentence("button.revoke")]
    assert text(await speak(world, who=world.grace, voice="Grace by Ada")) == UNKNOWN

    # Grace withdraws and confirms; the voice is gone everywhere.
    await world.ada.slash(world.channel, "voices share", voice="Grace by Ada")
    await press(world.grace, shown, "button.revoke")
    assert buttons(shown) == [sentence("button.sure"), sentence("button.stay")]
    await press(world.grace, shown, "button.sure")
    assert world.upstream.voices == {}
    assert world.stored(world.ada) == []
    assert consents(world, world.grace) == []
    assert "Voices shared in this server (0)" in text(await world.ada.slash(world.channel, "voices community"))
    await until(lambda: "grace withdrew their approval" in world.ada.user.dm_channel.history()[-1].content)


async def test_declaration_for_the_own_voice_is_stored_word_for_word(world: World):
    await world.send(world.ada)
    [voice] = world.stored(world.ada)
    statement = voice["statement"]
    assert statement.pop("at") == pytest.approx(world.services.clock.now(), abs=6000)
    assert statement == {
        "by": world.ada.id,
        "wording": sentence("rights.own"),
        "version": 2,
        "guild_id": world.guild_id,
        "channel_id": world.channel.id,
        "locale": ENGLISH,
    }


def declared(world: World) -> tuple[str, str, int]:
    """Return what Ada declared, in which language and version."""
    [voice] = world.stored(world.ada)
    return tuple(voice["statement"][name] for name in ("wording", "locale", "version"))


def agreed(world: World) -> tuple[str, str, int]:
    """Return what Grace agreed to, in which language and version."""
    [consent] = consents(world, world.grace)
    return tuple(consent["statement"][name] for name in ("wording", "locale", "version"))


HALF_GERMAN = {name: GERMAN[name] for name in ("consent.title", "consent.words")}


class TestLanguages:
    """What a member agreed to is recorded as they saw it: its words, their language and their version."""

    @pytest.mark.parametrize(
        ("opened", "server", "speaker", "texts"),
        [(False, "de", "en-US", GERMAN), (True, "en-US", "es-419", GERMAN), (True, "en-US", "de", HALF_GERMAN)],
        ids=["in the server's language", "in the speaker's language", "without a translation"],
    )
    async def test_consent(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        opened: bool,  # noqa: FBT001 - parametrized
        server: str,
        speaker: str,
        texts: dict[str, str],
    ):
        for locale in ("de", "es-419"):
            install(monkeypatch, locale, texts)
        set_server_language(world, server)
        _, message = await asked(world, title="*Grace* \\ Ada")
        assert message.embeds[0].title == translate(server, "consent.title")
        speak_in(world, speaker)
        seen: Any = message
        if opened:
            seen = received(await world.grace.user.click(message, label=translate(server, "button.open")))
        seen_in = speaker if opened else server
        assert seen.embeds[0].fields[0].name == translate(seen_in, "consent.words")
        await world.grace.user.click(seen, label=translate(seen_in, "button.approve"))
        written_in = seen_in if "consent.wording" in texts else ENGLISH
        wording = translate(written_in, "consent.wording", owner="ada", title=Markup("*Grace* \\ Ada"))
        await until(lambda: consents(world, world.grace))
        assert agreed(world) == (wording, written_in, 2)

    @pytest.mark.parametrize(
        ("locale", "texts"),
        [("de", GERMAN), ("es-419", GERMAN), ("de", HALF_GERMAN)],
        ids=["", "with digits in its locale", "without a translation"],
    )
    async def test_declaration_in_the_form(
        self, world: World, monkeypatch: pytest.MonkeyPatch, locale: str, texts: dict[str, str]
    ):
        install(monkeypatch, locale, texts)
        message = await world.ada.send(world.channel, "listen", attachments=[GOOD])
        speak_in(world, locale)
        form = await world.ada.context_menu(world.channel, MENU, message)
        title, rights, _, language, _ = fields(form)
        speak_in(world, ENGLISH)
        await world.ended(await world.ada.submit_modal(form, {title: "Ada", rights: ["own"], language: ["de"]}))
        written_in = locale if "rights.own" in texts else ENGLISH
        assert declared(world) == (translate(written_in, "rights.own"), written_in, 2)

    async def test_declaration_in_the_command(self, world: World, monkeypatch: pytest.MonkeyPatch):
        install(monkeypatch, "de", GERMAN)
        speak_in(world, "de")
        await world.send(world.ada, rights="own")
        assert declared(world) == (sentence("rights.own"), ENGLISH, 2)
        assert world.bot.tree.translator is None
        [shown] = [option for option in CloneVoice.clonevoice.parameters if option.name == "rights"]
        assert [(one.name, one.value) for one in shown.choices] == [
            (sentence(f"rights.{each}"), each) for each in Rights
        ]


class TestOtherWording:
    """A click on a message that shows another wording than the present one approves nothing, and shows that one."""

    async def check(self, world: World, who: simcord.MemberActor | UserHandle, shown: InteractionResult) -> None:
        assert sentence("consent.renewed") in text(shown)
        assert consents(world, world.grace) == []
        await who.click(received(shown), label=sentence("button.approve"))
        wording = sentence("consent.wording", owner=Markup("ada"), title=Markup("Grace by Ada"))
        assert agreed(world) == (wording, ENGLISH, 2)

    @pytest.mark.parametrize("shown", ["", ":en-US:2"])
    async def test_message_without_it(self, world: World, shown: str):
        await asked(world)
        forged = await world.forge(f"consent:approve:{job_id(world)}{shown}")
        await self.check(world, world.grace, await world.grace.click(forged, label="x"))

    async def test_message_of_an_earlier_version(self, world: World, monkeypatch: pytest.MonkeyPatch):
        with monkeypatch.context() as earlier:
            earlier.setattr(question_module, "WORDING_VERSION", 1)
            _, message = await asked(world)
        await self.check(world, world.grace.user, await click(world, message, "button.approve"))

    async def test_form_of_an_earlier_version(self, world: World, monkeypatch: pytest.MonkeyPatch):
        sent = await world.ada.send(world.channel, "listen", attachments=[GOOD])
        with monkeypatch.context() as earlier:
            earlier.setattr(sys.modules["cogs.clonevoice.submit"], "WORDING_VERSION", 1)
            form = await world.ada.context_menu(world.channel, MENU, sent)
        title, rights, _, language, _ = fields(form)
        typed = {title: "Ada", rights: ["own"], language: ["de"]}
        refused = await world.ada.submit_modal(form, typed)
        assert sentence("refused.form_unknown") in replies(refused)
        assert world.jobs() == []
        again = await world.ada.click(received(refused), label=sentence("button.form"))
        await world.ended(await world.ada.submit_modal(again, typed))
        assert declared(world) == (sentence("rights.own"), ENGLISH, 2)


async def test_declined_request_ends_the_clone_and_leaves_nothing(world: World):
    card, message = await asked(world)
    await click(world, message, "button.refuse")
    await until(lambda: sentence("refused.speaker_refused", name="grace") in text(card))
    assert world.posts() == []
    await until(lambda: not world.jobs())
    assert consents(world, world.grace) == []
    assert not question(world).components


async def test_unanswered_request_expires_after_seven_days_with_restarts(world: World):
    _, message = await asked(world)
    world.skip(6.9 * DAY)
    await world.restart()
    assert any(name.endswith(".mp3") for name in world.jobs())
    world.skip(0.2 * DAY)
    await world.restart()
    await until(lambda: not world.jobs())
    late = world.ada.user.dm_channel.history()[-1].embeds[0].description
    assert late == sentence("refused.approval_unanswered", name="grace", days=7)
    assert text(await click(world, message, "button.open")) == sentence("refused.request_closed")
    assert world.posts() == []


class TestWhoCanBeAsked:
    """A speaker is another member of this server and not a bot."""

    async def test_self_bots_and_absent_members_cannot_be_asked_nor_others_for_the_own_voice(self, world: World):
        bot = world.ada.guild.add_member(world.env.create_user("robot", bot=True))
        world.ada.guild.remove_member(world.linus)
        for key, options in (
            ("is_you", {"speaker": world.ada}),
            ("not_needed", {"speaker": world.grace, "rights": "own"}),
            ("is_bot", {"speaker": bot}),
            ("not_here", {"speaker": world.linus.user}),
        ):
            given: dict[str, Any] = {"rights": "permission"} | options
            assert text(await world.send(world.ada, **given)) == sentence(f"refused.speaker_{key}")
            assert world.jobs() == []
            assert world.posts() == []

    async def test_speaker_is_asked_once_at_a_time_by_the_same_member(self, world: World):
        await asked(world)
        again = await world.send(world.ada, rights="permission", speaker=world.grace, title="Other")
        assert text(again) == sentence("refused.speaker_being_asked", name="grace")
        other = await ask(world, speaker=world.linus, title="Linus by Ada")
        assert "to approve.**" in text(other), "another member can be asked at the same time"
        done = await world.send(world.ada, title="Mine")
        assert sentence("voice.ready", title="Mine") in text(done), "the own voice can be cloned at the same time"

    async def test_speaker_can_be_given_in_the_form(self, world: World):
        told = {"rights": "permission", "speaker": world.grace}
        card = await clone_message(world.ada, world.channel, world.grace, **told)
        await until(lambda: "to approve.**" in text(card))


async def ask_again(world: World) -> InteractionResult:
    return await world.send(world.ada, wait=False, title="Again", rights="permission", speaker=world.grace)


LIMITED = sentence("refused.speaker_asked", name="grace", when=0).partition("<t:")[0]


@pytest.mark.parametrize("restarted", [True, False])
class TestLimits:
    """A speaker is asked three times a day by a member, and after a no again a day later, whatever the bot does."""

    async def answered(self, world: World, *keys: str) -> None:
        """Have Grace asked, and press these buttons one after the other."""
        card, message = await asked(world, title=f"Grace {len(world.stored(world.ada))}")
        for key in keys:
            await click(world, message, key)
        if not keys:
            await world.press(card, "button.cancel")
        await until(lambda: not world.jobs())

    async def check_limited(self, world: World, hours: float, *, restarted: bool) -> None:
        """Check that Grace can't be asked for this number of hours from now, and then can."""
        for passing in (0.0, hours - 0.1):
            world.skip(passing * 3600)
            if restarted:
                await world.restart()
            assert text(await ask_again(world)).startswith(LIMITED)
            assert world.jobs() == []
        world.skip(0.2 * 3600)
        card = await ask_again(world)
        await until(lambda: "to approve.**" in text(card))

    @pytest.mark.parametrize(
        "keys", [["button.refuse"], ["button.approve", "button.revoke", "button.sure"]], ids=["declined", "withdrawn"]
    )
    async def test_no_is_respected_for_a_day(self, world: World, keys: list[str], restarted: bool):  # noqa: FBT001 - both
        await self.answered(world, *keys)
        await self.check_limited(world, 24, restarted=restarted)

    async def test_three_requests_a_day_are_the_most(self, world: World, restarted: bool):  # noqa: FBT001 - both
        for _ in range(3):
            await self.answered(world)
            world.skip(3600)
        await self.check_limited(world, 21, restarted=restarted)

    async def test_approved_requests_do_not_count(self, world: World, restarted: bool):  # noqa: FBT001 - both
        for _ in range(3):
            await self.answered(world, "button.approve")
        if restarted:
            await world.restart()
        card = await ask_again(world)
        await until(lambda: "to approve.**" in text(card))


async def test_limit_holds_though_it_can_not_be_recorded(world: World, monkeypatch: pytest.MonkeyPatch):
    full_disk(monkeypatch, TinyMembers, times=2, method="put_request")
    _, message = await asked(world)
    await click(world, message, "button.refuse")
    await until(lambda: not world.jobs())
    assert text(await ask_again(world)).startswith(LIMITED)


@pytest.mark.parametrize("erased", ["grace", "ada"])
async def test_requests_are_exported_and_erased(world: World, erased: str):
    _, message = await asked(world)
    export = await world.services.exporter.export(world.grace.id)
    assert [one["owner_id"] for one in export["requests_to_me"]] == [world.ada.id]
    await click(world, message, "button.refuse")
    await until(lambda: not world.jobs())
    assert '"declined":true' in on_disk(world)
    who = world.grace if erased == "grace" else world.ada
    await forget(world, who)
    await until(lambda: '"declined"' not in on_disk(world) and who.id not in world.services.erasures)
    assert text(await ask_again(world)).startswith(LIMITED), "the bot still knows it in memory"


class TestClosedDms:
    """A speaker with closed direct messages is asked by a mention without details."""

    @staticmethod
    def close(world: World, *channels: int) -> None:
        for channel in (world.grace.user.dm_channel.id, *channels):
            world.env.inject_error("POST", f"/channels/{channel}/messages", status=403, code=50007, times=None)

    async def test_mention_opens_the_request_only_for_the_speaker(self, world: World):
        self.close(world)
        await ask(world)
        await until(world.channel.history)
        mention = world.channel.history()[-1]
        called = Markup(f"<@{world.grace.id}>")
        assert mention.content == sentence("consent.mention", mention=called)
        assert mention.embeds == mention.attachments == []
        for_others = await world.linus.click(mention, label=sentence("button.open"))
        assert text(for_others) == sentence("refused.not_the_speaker")
        hers = await world.grace.click(mention, label=sentence("button.open"))
        assert hers.ephemeral
        await press(world.grace, hers, "button.approve")
        await until(lambda: world.stored(world.ada))

    async def test_unreachable_speaker_ends_the_clone(self, world: World):
        self.close(world, world.channel.id)
        card = await ask(world)
        await until(lambda: sentence("refused.speaker_unreachable", name="grace") in text(card) and not world.jobs())
        assert await world.store.members.requests(world.grace.id) == (), "nobody was asked"


class TestRequest:
    """Only the speaker can answer a request, and only once."""

    async def test_member_can_cancel_the_request_from_the_list(self, world: World):
        _, message = await asked(world)
        listed = await world.ada.slash(world.channel, "voices list")
        assert "waiting for grace until <t:" in text(listed)
        card = await world.ada.select(received(listed), [job_id(world)], custom_id="pick:voice")
        assert "to approve.**" in text(card)
        await press(world.ada, card, "button.cancel")
        await until(lambda: sentence("refused.cancelled") in text(card))
        closed = await click(world, message, "button.approve")
        assert [sent.content for sent in closed.followups] == [sentence("refused.request_closed")]
        assert consents(world, world.grace) == []

    async def test_result_of_a_late_approval_comes_by_dm(self, world: World):
        _, message = await asked(world)
        world.skip(2 * DAY)
        await click(world, message, "button.approve")
        await until(world.ada.user.dm_channel.history)
        assert world.ada.user.dm_channel.history()[-1].embeds[0].title == sentence("voice.ready", title="Grace by Ada")

    async def test_approved_request_turns_into_the_consent_card(self, world: World):
        await approved(world)
        assert question(world).embeds[0].title == sentence("consent.given", title="Grace by Ada")
        await click(world, question(world), "button.revoke")
        await click(world, question(world), "button.stay")
        assert len(world.stored(world.ada)) == 1
        await revoke(world)
        assert world.upstream.voices == {}


class TestEarlyWithdrawal:
    """Consent withdrawn early cancels the clone or deletes its voice."""

    @pytest.mark.world(held=True)
    @pytest.mark.parametrize("killed", [False, True], ids=["", "a kill left only its record"])
    async def test_withdrawal_in_the_queue_sends_nothing(self, world: World, killed: bool):  # noqa: FBT001 - both
        await world.send(world.linus, title="First", wait=False)
        await until(world.posts)
        card, message = await asked(world)
        await click(world, message, "button.approve")
        await until(lambda: "Next in line" in text(card))
        if killed:
            [given] = consents(world, world.grace)
            revoked = partial(replace, revoked=True)
            await world.store.members.change_consent(world.grace.id, given["job_id"], revoked)
        else:
            await revoke(world)
        world.release()
        await until(lambda: sentence("refused.approval_revoked", name="grace") in text(card))
        assert len(world.posts()) == 1
        await until(lambda: killed or not consents(world, world.grace))

    @pytest.mark.parametrize("restarted", [False, True])
    @pytest.mark.world(held=True)
    async def test_withdrawal_during_cloning_deletes_the_voice(self, world: World, restarted: bool):  # noqa: FBT001 - both
        _, message = await asked(world)
        await click(world, message, "button.approve")
        await until(lambda: [len(post.body) for post in world.posts()] == [len(GOOD[1])])
        await revoke(world)
        if restarted:
            await world.restart()
        world.release()
        await until(lambda: any(request.method == "DELETE" for request in world.upstream.requests))
        await until(lambda: not world.jobs() and not world.upstream.voices and not world.stored(world.ada))
        await until(lambda: not consents(world, world.grace))


class TestErasure:
    """Erasing a member's data withdraws their consent."""

    @pytest.mark.parametrize("erased", ["grace", "ada"])
    async def test_erasing_speaker_or_owner_deletes_voice_and_consent(self, world: World, erased: str):
        await approved(world)
        who = world.grace if erased == "grace" else world.ada
        await forget(world, who)
        await until(lambda: not world.upstream.voices and not world.stored(world.ada))
        await until(lambda: not consents(world, world.grace) and f'"{who.id}"' not in on_disk(world))
        await until(lambda: f"{who.id}.json" not in on_disk(world))
        await until(lambda: erased == "grace" or str(who.id) not in on_disk(world))

    async def test_erasing_the_asked_speaker_ends_the_request(self, world: World):
        card, _ = await asked(world)
        await forget(world, world.grace)
        await until(lambda: sentence("refused.approval_revoked", name="grace") in text(card) and not world.jobs())

    async def test_export_holds_consents_and_open_requests(self, world: World):
        _, message = await asked(world)
        export = await world.services.exporter.export(world.grace.id)
        assert [asked["title"] for asked in export["asked_of_me"]] == ["Grace by Ada"]
        await click(world, message, "button.approve")
        await until(lambda: not world.jobs())
        export = await world.services.exporter.export(world.grace.id)
        assert [given["title"] for given in export["approved_by_me"]] == ["Grace by Ada"]


class TestRules:
    """A server may require consent for each voice that is not the member's own."""

    async def test_absent_speakers_can_be_disallowed(self, court: Court, world: World):
        await court.switch("cloning", "sharing", "speaking")
        assert text(await world.send(world.ada, rights="permission")) == sentence("rule.outsiders_off")
        assert "to approve.**" in text(await ask(world))

    async def test_voice_without_the_required_consent_cannot_be_used(self, court: Court, world: World):
        await world.send(world.ada, rights="permission", title="Stranger")
        await world.send(world.ada, title="Mine")
        await court.switch("cloning", "sharing", "speaking", "allow_absent_speakers", "require_consent")
        assert text(await world.send(world.ada, rights="permission", title="X")) == sentence("rule.approval")
        missing = sentence("rule.approval_missing", title="Stranger")
        assert text(await speak(world, who=world.ada, voice="Stranger")) == missing
        assert text(await world.ada.slash(world.channel, "voices share", voice="Stranger")) == missing
        assert text(await speak(world, who=world.ada, voice="Mine")) != missing

    async def test_approved_clone_must_meet_the_current_rules(self, court: Court, world: World):
        card, message = await asked(world)
        await court.choose("who", "clone_roles", [court.role])
        await click(world, message, "button.approve")
        await until(lambda: "You need one of these roles to clone voices here" in text(card))
        assert world.posts() == []

    async def test_block_ends_the_request_of_the_member(self, court: Court, world: World):
        card, _ = await asked(world)
        await court.block(world.ada)
        await until(lambda: sentence("rule.blocked", reason="spam") in text(card))


def test_declared_wording_keeps_its_version():
    """A change of these texts requires a higher `WORDING_VERSION`, and a change here."""
    words = {locale: {key: catalog(locale).get(key) for key in WORDED[ENGLISH]} for locale in installed()}
    assert (WORDING_VERSION, words) == (2, WORDED)


def installed() -> list[str]:
    return [file.stem for file in (Path(bot.__file__).parent / "locales").glob("*.json")]


WORDED = {
    ENGLISH: {
        "rights.own": "This is my own voice",
        "rights.permission": "I have the speaker's permission",
        "consent.wording": "The voice in this recording is mine. I allow {owner} to send the recording to Mureka "
        "(through useapi.net), to clone my voice as “{title}”, to use the clone, and to let others use it. I can "
        "withdraw this at any time; the clone is then deleted.",
    }
}
"""Version 2."""
