"""Packs the data that is stored about a member into files."""

import asyncio
import io
import json
import zipfile

from bot.client.client import Clonevoice
from cogs._ui.formatting import file_name

ENTRY_BYTES = 1000  # upper bound of the bytes that an entry in an archive takes besides its content
Contents = list[tuple[str, bytes]]  # files, each a name and its content


async def export_files(bot: Clonevoice, member_id: int, limit: int) -> tuple[Contents, str]:
    """Return the stored data as JSON, zipped if necessary, and an archive of audio, of `limit` bytes in all.

    The text is the key of the catalog that says whether this is everything.
    """
    stored = await bot.services.exporter.export(member_id)
    record = (await asyncio.to_thread(json.dumps, stored, ensure_ascii=False, indent=2)).encode()
    files = [("stored.json", record)]
    if len(record) > limit:
        files = [("stored.zip", await asyncio.to_thread(_zip, files))]
    audio, all_audio = await _audio(bot, member_id, limit - len(files[0][1]))
    if audio:
        files.append(("audio.zip", await asyncio.to_thread(_zip, audio)))
    if not stored["complete"]:
        return files, "export.unreadable"
    return files, "export.all" if all_audio else "export.without_all_audio"


async def _audio(bot: Clonevoice, member_id: int, limit: int) -> tuple[Contents, bool]:
    """Return the samples and previews that are available and fit, and whether these are all."""
    samples = [(f"sample-{name}.mp3", sample) for name, sample in await bot.services.exporter.samples(member_id)]
    voices = await bot.services.library.list_own(member_id)
    previews = [(voice, await bot.previews.get(voice.preview_url, limit=limit)) for voice in voices]
    named = [(f"{voice.id}-{file_name(voice.title)}", preview) for voice, preview in previews if preview is not None]
    kept: Contents = []
    for name, content in samples + named:
        limit -= len(content) + ENTRY_BYTES
        if limit > 0:
            kept.append((name, content))
    return kept, len(kept) == len(samples) + len(voices)


def _zip(contents: Contents) -> bytes:
    archive_file = io.BytesIO()
    with zipfile.ZipFile(archive_file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents:
            archive.writestr(name, content)
    return archive_file.getvalue()
