"""Members who use the bot at random: commands, buttons, selects and forms, right and wrong, new and old."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bot.demo.upstream import Upstream
from support.audio import GOOD, mp3, noise, wav
from support.clocks import until
from support.discord_double import CHANNEL, GUILD, ROLE, TEXT_INPUT, Answer, DiscordDouble, Message
from support.lives import ADA
from support.people import MENU

GRACE, LINUS, HEDY = 5011, 5021, 5031
MEMBERS = (ADA, GRACE, LINUS, HEDY)
"""Hedy may manage the server. The next ID of each is that of their direct messages."""

SAMPLES = (*[GOOD] * 5, ("short.mp3", mp3(4)), ("noise.mp3", noise(9000)), ("song.wav", wav(1)), ("empty.mp3", b""))
"""Good ones, one that the member is asked about, and bad ones."""

RECENT = 40
"""How many of the newest messages and forms are used most of the time."""


@dataclass(eq=False)
class Crowd:
    """Acts by `random`; the same numbers give the same acts if the bot has answered the same.

    `acts` tells all acts so far. Each text that a member types begins with a word of its own, and `typed` has
    how often each word was sent to the bot.
    """

    double: DiscordDouble
    upstream: Upstream
    random: Random = field(default_factory=Random)
    acts: list[str] = field(default_factory=list[str])
    typed: Counter[str] = field(default_factory=Counter[str])
    _last: Answer | None = None

    def begin(self, random: Random) -> None:
        """Begin a life of the bot."""
        self.random, self._last = random, None

    async def act(self) -> None:
        """Do one of the things that members and moderators do."""
        acts = self._acts()
        [(name, act, _)] = self.random.choices(acts, [weight for *_, weight in acts])
        self.acts.append(name)
        if answer := await act():
            self._last = answer
            self.acts[-1] += f" (by {answer.user_id}, {answer.id})"

    async def wait(self, seconds: float) -> None:
        """Wait until the last act has an answer, but not longer than this."""
        with suppress(TimeoutError):
            await until(lambda: self._last is None or self._last.acknowledged_after is not None, seconds=seconds)

    def _acts(self) -> list[tuple[str, Callable[[], Awaitable[Answer | None]], float]]:
        """List what can be done, and how often it is."""
        return [
            ("clone", self._clone, 8),
            ("clone this", self._clone_this, 1),
            ("speak", self._speak, 6),
            ("click", self._click, 12),
            ("submit", self._submit, 7),
            ("redelivered", self._redeliver, 1),
            ("defaults", self._reset, 3),
            *((f"voices {name}", self._slash(f"voices {name}", options), often) for name, options, often in VOICES),
            *((name, self._slash(f"voiceadmin {name}", options), often) for name, options, often in MODERATION),
        ]

    def _slash(self, command: str, options: str) -> Callable[[], Awaitable[Answer]]:
        async def act() -> Answer:
            given: dict[str, Any] = {name: self._value(name) for name in options.split()}
            moderates = command.startswith("voiceadmin") and self.random.random() < 0.9
            self.acts[-1] += f" {given}"
            return await self.double.slash(HEDY if moderates else self._member(), command, **given)

        return act

    def _value(self, option: str) -> object:
        match option:
            case "voice":
                return self._voice()
            case "member":
                return self._member()
            case _:
                return self._word()

    def _member(self) -> int:
        return self.random.choice(MEMBERS)

    def _voice(self) -> str:
        return self.random.choice([*map(str, [*self.upstream.voices][-10:]), "nobody"])

    def _word(self, times: int = 1) -> str:
        word = f"word{len(self.typed)}"
        self.typed[word] = times
        return word

    async def _clone(self) -> Answer:
        sample, word = self.random.choice(SAMPLES), self._word()
        title = self.random.choice([word] * 9 + [*self.typed])
        options: dict[str, Any] = {"sample": sample, "title": title, "description": word, "rights": "own"}
        if self.random.random() < 0.2:
            options |= {"rights": "permission", "speaker": self._member()}
        self.acts[-1] += f" {sample[0]} {title} {word} {options.get('speaker', '')}"
        return await self.double.slash(self._member(), "clonevoice", **options)

    async def _clone_this(self) -> Answer:
        return await self.double.menu(self._member(), MENU, self._member(), self.random.choice(SAMPLES))

    async def _speak(self) -> Answer:
        voice, options = self._voice(), {"text": self._word()} if self.random.random() < 0.8 else {}
        self.acts[-1] += f" {voice} {options}"
        return await self.double.slash(self._member(), "speak", voice=voice, **options)

    async def _click(self) -> Answer | None:
        """Use a button or select, sometimes one of another member, which only a forged click can do."""
        messages = [m for m in self.double.messages.values() if m.items and not m.deleted]
        if self.random.random() < 0.8:  # the panels of rules are used less often
            messages = [message for message in messages if not is_panel(message)]
        if (message := self._one(messages)) is None:
            return None
        item = self.random.choice(message.items)
        values, reader = self._choose(item), message.reader_id or self._member()
        if message.channel_id == CHANNEL and self.random.random() < 0.08:
            reader = self._member()
        self.acts[-1] += f" {item['custom_id']} {values}"
        return await self.double.use(message, item, values, by=reader)

    async def _submit(self) -> Answer | None:
        """Submit a form, sometimes twice, sometimes as another member."""
        if (opened := self._one([answer for answer in self.double.answers.values() if answer.form])) is None:
            return None
        times = 2 if self.random.random() < 0.15 else 1
        values, by = self._fill(opened.form or {}, times), opened.user_id
        if self.random.random() < 0.1:
            by = self._member()
        self.acts[-1] += f" {opened.form and opened.form['custom_id']} {values} times {times}"
        for _ in range(times):
            answer = await self.double.submit(opened, values, by=by)
        return answer  # pyright: ignore[reportPossiblyUnboundVariable] -- once or twice

    async def _redeliver(self) -> None:
        """Have Discord send the last interaction again."""
        await self.double.connected.wait()
        if self._last:
            self.double.dispatch("INTERACTION_CREATE", self._last.sent)

    async def _reset(self) -> Answer | None:
        """Have a moderator reset the rules, or else soon nobody may do anything."""
        if buttons := with_button(self.double, "defaults"):
            confirming = [button for button in buttons if button[1]["custom_id"].endswith(":reset")]
            return await self.double.use(*(confirming or buttons)[-1], by=HEDY)
        return await self.double.slash(HEDY, "voiceadmin settings")

    def _one(self, found: list[Any]) -> Any:
        if self.random.random() < 0.85:
            found = found[-RECENT:]
        return self.random.choice(found) if found else None

    def _choose(self, item: Mapping[str, Any]) -> list[str]:
        """Return values for a select, as many as it takes."""
        possible = {
            3: [option["value"] for option in item.get("options", ())],
            5: [*map(str, MEMBERS)],
            6: [ROLE, GUILD],
            8: [CHANNEL],
        }.get(item["type"], [])
        least = item.get("min_values", 1)
        most = max(least, min(item.get("max_values", 1), len(possible)))
        return self.random.sample(possible, min(self.random.randint(least, most), len(possible)))

    def _fill(self, form: Mapping[str, Any], times: int) -> dict[str, list[str]]:
        inputs = [label["component"] for label in form["components"] if "component" in label]
        return {each["custom_id"]: self._fill_input(each, times) for each in inputs}

    def _fill_input(self, given: Mapping[str, Any], times: int) -> list[str]:
        if not given.get("required", True) and self.random.random() < 0.5:
            return []
        if given["type"] != TEXT_INPUT:
            return self._choose(given)
        if given.get("max_length", 99) < 10:
            return [self.random.choice(["0", "3", "x"])]
        placeholder = given.get("placeholder")
        return [placeholder if placeholder and self.random.random() < 0.6 else self._word(times)]


VOICES = (
    ("list", "", 2),
    ("show", "voice", 1),
    ("rename", "voice title", 1),
    ("delete", "voice", 1),
    ("share", "voice", 2),
    ("unshare", "voice", 0.5),
    ("community", "", 1),
    ("export", "", 0.5),
    ("forget", "", 0.7),
)
"""Commands of members, their options and how often they are used."""

MODERATION = (
    ("settings", "", 0.5),
    ("block", "member reason", 0.2),
    ("unblock", "member", 0.8),
    ("blocked", "", 0.3),
    ("voices", "", 0.5),
    ("remove", "voice reason", 0.4),
    ("reports", "", 0.5),
    ("audit", "", 0.3),
)
"""Commands of moderators."""


def is_panel(message: Message) -> bool:
    return any(item["custom_id"].startswith("rules:") for item in message.items)


def with_button(double: DiscordDouble, custom_id: str) -> list[tuple[Message, dict[str, Any]]]:
    """List the buttons whose custom IDs begin like this, with their messages, newest last."""
    shown = [message for message in double.messages.values() if not message.deleted]
    items = [(message, item) for message in shown for item in message.items]
    return [(message, item) for message, item in items if item["custom_id"].startswith(custom_id)]
