"""The message command `Clone this voice`: finds the audio in a message."""

import re
from collections.abc import Iterator
from enum import IntEnum

import discord

from bot.errors import Refused
from bot.i18n import translate, translate_markdown
from bot.text import clean_text, shorten
from cogs._ui.action import OPTION_LENGTH, Select, action_select, chosen, view_of
from cogs._ui.interaction import Interaction
from cogs.clonevoice.submit import CloneForm

MP3_NAMES = {"mp3", "mpga", "mpeg"}
MP3_TYPES = re.compile(r"audio/(x-)?(mp3|mpg|mpga|mpeg|mpeg-?3)|video/(x-)?mpeg")
"""Messengers export MP3s as `.mpga` and `.mpeg`, and as `video/mpeg`."""

AUDIO_NAMES = {
    *("3gp", "aac", "aif", "aiff", "amr", "ape", "caf", "flac", "m4a", "m4b", "mka", "mp2", "oga", "ogg", "opus"),
    *("wav", "weba", "wma"),
}

OPTIONS = 25  # https://discord.com/developers/docs/components/reference#string-select


class Likeness(IntEnum):
    """How likely a file is an MP3, by its name and content type; only the check of the sample reads it."""

    NONE = 0  # something else than audio
    UNKNOWN = 1  # neither a name's suffix nor a content type tells what it is
    AUDIO = 2
    MP3 = 3


async def clone_this(interaction: Interaction, message: discord.Message) -> None:
    """Open the form that clones a message's audio; if there are several MP3s, ask which one.

    Raises `Refused` if there is no audio.
    """
    files = {str(file.id): (file, author_id) for file, author_id in _files(message)}
    best = max((likeness(file) for file, _ in files.values()), default=Likeness.NONE)
    if best is Likeness.NONE:
        raise Refused("refused.no_audio")
    most = OPTIONS if best is Likeness.MP3 else 1
    found = [sample_id for sample_id, (file, _) in files.items() if likeness(file) is best][:most]
    key = interaction.user.id, str(message.id)
    interaction.client.forms.samples.put(key, {sample_id: files[sample_id] for sample_id in found})
    if len(found) == 1:
        await CloneForm(str(interaction.locale), str(message.id), found[0]).open(interaction)
        return
    locale, attachments = str(interaction.locale), [files[sample_id][0] for sample_id in found]
    options = [_option(locale, number, file) for number, file in enumerate(attachments, 1)]
    select: Select = discord.ui.Select(options=options, placeholder=translate(locale, "clonevoice.choose_file"))
    await interaction.response.send_message(
        translate_markdown(locale, "clonevoice.several"),
        view=view_of(action_select(select, "sample", message.id)),
        ephemeral=True,
    )


async def choose_file(interaction: Interaction, select: Select, message_id: str) -> None:
    """Open the form for the MP3 that the member chose."""
    await CloneForm(str(interaction.locale), message_id, chosen(select)).open(interaction)


def _files(message: discord.Message) -> Iterator[tuple[discord.Attachment, int | None]]:
    """Yield a message's files, each with the ID of the member who posted it, or None.

    The author of a forwarded message is the one who forwarded it; Discord doesn't tell who posted its files.
    """
    for file in message.attachments:
        yield file, message.author.id
    for snapshot in message.message_snapshots:
        for file in snapshot.attachments:
            yield file, None


def likeness(file: discord.Attachment) -> Likeness:
    """Return how likely a file is an MP3."""
    _, dot, suffix = clean_text(file.filename).lower().rpartition(".")
    kind = (file.content_type or "").partition(";")[0].strip().lower()
    if (dot and suffix in MP3_NAMES) or MP3_TYPES.fullmatch(kind):
        return Likeness.MP3
    if (dot and suffix in AUDIO_NAMES) or kind.startswith("audio/"):
        return Likeness.AUDIO
    return Likeness.NONE if dot or kind not in {"", "application/octet-stream"} else Likeness.UNKNOWN


def _option(locale: str, number: int, file: discord.Attachment) -> discord.SelectOption:
    """Return the option for a file. Its `title`, if it has one, is the name that Discord shows."""
    name = clean_text(file.title or "") or clean_text(file.filename) or str(number)
    size = translate(locale, "clonevoice.file", number=number, size=file.size / 1_000_000)
    return discord.SelectOption(value=str(file.id), label=shorten(name, OPTION_LENGTH), description=size)
