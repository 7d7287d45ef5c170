"""Samples are decoded in a worker process with limits and without secrets."""

import asyncio
import ctypes
import errno
import gc
import os
import resource
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from bot.audio.inspector import DECODER, SampleInspector
from bot.audio.sandbox import SCOPE_VERSION
from bot.errors import SettingsError
from bot.settings import Settings
from support.audio import id3v2, mp3, noise, refusal, syncsafe, wav
from support.clocks import PATIENCE, until
from support.program import exit_of

MEGABYTE = 2**20
PR_GET_DUMPABLE, PR_SET_DUMPABLE = 3, 4
SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 14\n"


async def test_worker_returns_the_facts_of_an_mp3_or_the_fitting_refusal():
    assert (await SampleInspector(300).inspect(mp3(12))).duration == pytest.approx(12, rel=0.01)
    assert (await refusal(wav(4))).key == "sample.not_mp3"
    assert (await refusal(mp3(60)[:8192])).key == "sample.cut_off"
    assert (await refusal(noise(MEGABYTE))).key == "sample.not_audio"
    assert (await refusal(SDP)).key == "sample.not_audio", "a file that names a socket opens none"


async def test_hours_of_audio_are_not_decoded():
    minute = mp3(60, sample_rate=8000, bit_rate=8000, count=False)
    inspector, costs = SampleInspector(5), [sum(os.times()[2:4])]  # CPU seconds of finished processes
    for sample, seconds in ((minute, 60), (minute * 120, 7200)):
        refused = await refusal(sample, inspector)
        assert refused.key == "sample.too_long"
        assert refused.values["seconds"] == pytest.approx(seconds, rel=0.01)
        costs.append(sum(os.times()[2:4]))
    assert costs[2] - costs[1] < 10 * (costs[1] - costs[0])


@pytest.fixture
def decode_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """Return a function that replaces the decoder by another program."""
    program = tmp_path / "decoder.py"
    monkeypatch.setattr("bot.audio.inspector.DECODER", program)
    return program.write_text


def answering(expression: str) -> str:
    """Return a line that prints the value of an expression as the format of a refused sample."""
    return f"import json; print(json.dumps({{'refusal': 'sample.not_mp3', 'actual': str({expression})}}))\n"


def tag_bomb() -> bytes:
    """Return an ID3v2 tag of 230 kB with one compressed frame of 240 MB of zeros."""
    packer = zlib.compressobj(9)
    zeros = packer.compress(bytes(16 * MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = ((240 * MEGABYTE % 65_521) << 16 | 1).to_bytes(4, "big")
    text = syncsafe(240 * MEGABYTE) + zeros + zeros[2:] * 14 + b"\3\0" + checksum
    return id3v2(b"TXXX" + syncsafe(len(text)) + b"\0\x09" + text)


def picture_bomb() -> bytes:
    """Return a PNG of 100 kB with 10,000 by 10,000 black pixels."""
    side = (10_000).to_bytes(4, "big")
    chunks = [(b"IHDR", side + side + b"\x08\0\0\0\0"), (b"IDAT", zlib.compress(bytes(10_001 * 10_000)))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        for kind, body in [*chunks, (b"IEND", b"")]
    )


@pytest.mark.parametrize("make", [lambda: id3v2(b"") + tag_bomb() + mp3(), picture_bomb])
async def test_decompression_bomb_takes_no_memory(decode_with: Callable[[str], int], make: Callable[[], bytes]):
    decode_with(
        "import runpy, sys\n"
        "status = open('/proc/self/status')\n"
        f"decoder = runpy.run_path({str(DECODER)!r})\n"
        "try: decoder['analyze'](sys.stdin.buffer.read(), 300)\n"
        "except decoder['RefusalError']: pass\n"
        + answering("[line.split()[1] for line in status if 'VmHWM' in line][0]")
    )
    peak = (await refusal(make())).values["actual"]
    assert int(str(peak)) < 60 * 1024  # kB, of which Python and FFmpeg take 37,000


async def test_out_of_memory_is_not_a_verdict_on_the_sample(decode_with: Callable[[str], int]):
    decode_with(
        "import json, resource, runpy, sys\n"
        f"decoder, sample = runpy.run_path({str(DECODER)!r}), sys.stdin.buffer.read()\n"
        "mapped = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (mapped, resource.RLIM_INFINITY))\n"
        "try: decoder['analyze'](sample, 300)\n"
        "except Exception as error: outcome = type(error).__name__\n"
        "resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        + answering("outcome")
    )
    assert (await refusal(noise(3 * MEGABYTE))).values == {"actual": "MemoryError"}


@pytest.mark.parametrize(
    ("program", "size"),
    [
        ("print('nonsense')", 1),
        ("print('[' * 3000)", 1),
        ("print('[]')", 1),
        ("print('{\"facts\": {}}')", 1),
        ('print(\'{"refusal": "sample.unheard_of"}\')', 1),
        ("print('x' * 10_000_000)", 1),
        ("import sys; sys.stderr.write('x' * 10_000)", 1),
        ("pass", 5 * MEGABYTE),
        ("import os; os.kill(os.getpid(), 11)", 1),
    ],
)
async def test_invalid_output_of_a_worker_makes_the_sample_unreadable(
    decode_with: Callable[[str], int], program: str, size: int
):
    decode_with(program)
    assert (await refusal(bytes(size))).key == "sample.unreadable"
    gc.collect()  # an open pipe would warn now


async def test_error_of_the_decoder_makes_the_sample_unreadable(decode_with: Callable[[str], int]):
    decode_with(
        "import runpy, sys\n"
        f"decoder = runpy.run_path({str(DECODER)!r})['main'].__globals__\n"
        "decoder['analyze'] = None\n"
        "decoder['main']()"
    )
    assert (await refusal(b"x")).key == "sample.unreadable"


def logged_errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.name for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(
    "program", ["raise MemoryError", "import no_such_library", "import os; os.kill(os.getpid(), 9)", None]
)
async def test_worker_that_ends_without_a_verdict_is_the_operators_problem(
    decode_with: Callable[[str], int], caplog: pytest.LogCaptureFixture, program: str | None
):
    if program:  # else there is no decoder
        decode_with(program)
    assert (await refusal(b"x")).key == "sample.unchecked"
    assert logged_errors(caplog) == ["bot.audio.inspector"]


@pytest.mark.parametrize(
    "error",
    [
        BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),  # RLIMIT_NPROC
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
        MemoryError(),
    ],
    ids=repr,
)
async def test_worker_that_cannot_start_is_the_operators_problem(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
):
    monkeypatch.setattr(asyncio, "create_subprocess_exec", AsyncMock(side_effect=error))
    assert (await refusal(b"x")).key == "sample.unchecked"
    assert logged_errors(caplog) == ["bot.audio.inspector"]


async def test_missing_interpreter_is_the_operators_problem(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert (await refusal(b"x")).key == "sample.unchecked"
    assert logged_errors(caplog) == ["bot.audio.inspector"]


async def test_sample_is_checked_again_when_there_are_descriptors_again(caplog: pytest.LogCaptureFixture):
    inspector, sample = SampleInspector(300, workers=1), mp3(12)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)  # the lowest free descriptor
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        assert (await refusal(sample, inspector)).key == "sample.unchecked"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert logged_errors(caplog) == ["bot.audio.inspector"]
    assert (await inspector.inspect(sample)).duration == pytest.approx(12, rel=0.01)


async def test_worker_gets_no_environment_variables(decode_with: Callable[[str], int], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("USEAPI_TOKEN", "user:1234-secret")
    decode_with(answering("open('/proc/self/environ').read()"))
    assert (await refusal(b"x")).values == {"actual": ""}


async def test_worker_inherits_no_descriptors(decode_with: Callable[[str], int]):
    decode_with("import os\n" + answering("sorted(map(int, os.listdir('/proc/self/fd')))"))
    inherited = os.dup(0)
    os.set_inheritable(inherited, True)  # noqa: FBT003 - positional only
    try:
        assert (await refusal(b"x")).values == {"actual": "[0, 1, 2, 3]"}, "3 is the list itself"
    finally:
        os.close(inherited)


def kernels_landlock() -> int:
    """Ask the kernel for its version of Landlock, as the sandbox does."""
    create_ruleset, version_of_it = 444, 1
    return ctypes.CDLL(None).syscall(create_ruleset, None, 0, version_of_it) if sys.platform == "linux" else 0


CONFINE = f"import runpy, sys; runpy.run_path({str(DECODER)!r})['confine'](int(sys.argv[3]), int(sys.argv[2]))\n"


@pytest.mark.parametrize(
    ("deed", "outcome", "landlock"),
    [
        ("bytearray(600 * 2**20)", "MemoryError", 0),
        ("open('/dev/null')", "OSError", 0),
        ("socket.socket()", "OSError", 0),
        ("os.pipe()", "OSError", 0),
        ("resource.getrlimit(resource.RLIMIT_FSIZE)", "(0, 0)", 0),
        ("resource.getrlimit(resource.RLIMIT_CORE)", "(0, 0)", 0),
        ("resource.getrlimit(resource.RLIMIT_NPROC)", "(0, 0)", 0),
        ("ctypes.CDLL(None).prctl(39, 0, 0, 0, 0)", "1", 0),  # PR_GET_NO_NEW_PRIVS
        ("os.remove(__file__)", "PermissionError", 1),
        ("os.mkdir(__file__ + '.d')", "PermissionError", 1),
        ("os.truncate(__file__, 0)", "PermissionError", 3),
        ("os.kill(os.getppid(), 0)", "PermissionError", SCOPE_VERSION),
        ("memory_of(os.getppid())", "PermissionError", 1),
    ],
)
async def test_worker_has_limits(decode_with: Callable[[str], int], deed: str, outcome: str, landlock: int):
    if kernels_landlock() < landlock:
        pytest.skip(f"needs version {landlock} of Landlock")
    decode_with(
        "import ctypes, json, os, resource, socket\n"
        "libc, page = ctypes.CDLL(None, use_errno=True), ctypes.create_string_buffer(8)\n"
        "place = (ctypes.c_size_t * 2)(ctypes.addressof(page), 8)\n"
        "def memory_of(process):\n"
        "    libc.process_vm_readv(process, place, 1, place, 1, 0)\n"
        "    raise OSError(ctypes.get_errno(), 'not read')\n" + CONFINE + f"try: outcome = {deed}\n"
        "except Exception as error: outcome = type(error).__name__\n" + answering("outcome")
    )
    assert (await refusal(b"x")).values == {"actual": outcome}


@pytest.mark.parametrize(("longest", "limits"), [(10, "(16, 17)"), (300, "(45, 46)"), (3600, "(375, 376)")])
async def test_limit_for_the_processor_follows_the_longest_sample(
    decode_with: Callable[[str], int], longest: float, limits: str
):
    decode_with("import resource\n" + CONFINE + answering("resource.getrlimit(resource.RLIMIT_CPU)"))
    assert (await refusal(b"x", SampleInspector(longest))).values == {"actual": limits}


async def test_sample_of_an_hour_is_checked_if_the_operator_allows_it():
    minute = mp3(60, sample_rate=8000, bit_rate=8000, count=False)
    inspector = SampleInspector(Settings.model_fields["max_sample_seconds"].metadata[1].le)
    assert (await inspector.inspect(minute * 59)).duration == pytest.approx(59 * 60, rel=0.01)


async def test_sample_that_takes_too_much_work_is_not_called_unreadable(decode_with: Callable[[str], int]):
    decode_with(
        f"import runpy; runpy.run_path({str(DECODER)!r})['confine'].__globals__['set_limits'](1)\nwhile True: pass"
    )
    assert (await refusal(b"x")).key == "sample.too_slow"


def sleeping(folder: Path) -> str:
    """Return a program that forks, writes a file for each of its two processes, and sleeps; remove older files."""
    for file in folder.glob("*.pid"):
        file.unlink()
    return f"import os, time; os.fork(); open({str(folder)!r} + f'/{{os.getpid()}}.pid', 'w'); time.sleep(60)"


def sleepers(folder: Path) -> list[int]:
    return [int(file.stem) for file in folder.glob("*.pid")]


def running(process: int) -> bool:
    """Return True if a process runs or is an unreaped child of this one."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "State:\tZ" not in status or f"PPid:\t{os.getpid()}\n" in status


async def test_slow_worker_is_killed(decode_with: Callable[[str], int], tmp_path: Path):
    timeout = 0.25
    async with asyncio.timeout(PATIENCE):
        while len(sleepers(tmp_path)) < 2:  # on a busy machine, it may be killed before it has forked
            decode_with(sleeping(tmp_path))
            timeout *= 2
            refused = await refusal(bytes(MEGABYTE), SampleInspector(300, timeout=timeout))
            assert refused.key == "sample.too_slow"
    await until(lambda: not any(map(running, sleepers(tmp_path))))
    gc.collect()  # an open pipe would warn now


async def test_canceled_inspection_kills_the_worker(decode_with: Callable[[str], int], tmp_path: Path):
    decode_with(sleeping(tmp_path))
    inspector = SampleInspector(300, workers=1)
    inspection = asyncio.create_task(inspector.inspect(bytes(MEGABYTE)))
    await until(lambda: len(sleepers(tmp_path)) == 2)
    inspection.cancel()
    with pytest.raises(asyncio.CancelledError):
        await inspection
    await until(lambda: not any(map(running, sleepers(tmp_path))))
    gc.collect()
    decode_with(answering("'the next one'"))
    assert (await refusal(b"x", inspector)).values == {"actual": "the next one"}


def status(process: int) -> str:
    return Path(f"/proc/{process}/status").read_text()


BOT = """
import asyncio, pathlib, sys
from bot.audio import inspector
inspector.DECODER = pathlib.Path(sys.argv[1])
asyncio.run(inspector.SampleInspector(300).inspect(b"x"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
async def test_worker_ends_with_the_bot(tmp_path: Path):
    program = tmp_path / "busy.py"
    program.write_text(
        f"import os; open({str(tmp_path)!r} + f'/{{os.getpid()}}.pid', 'w').close()\n{CONFINE}while True: pass"
    )
    bot = await asyncio.create_subprocess_exec(sys.executable, "-c", BOT, str(program))
    try:
        await until(lambda: any("NoNewPrivs:\t1" in status(worker) for worker in sleepers(tmp_path)))
    finally:
        bot.kill()
        await bot.wait()
    await until(lambda: not any(map(running, sleepers(tmp_path))))


async def test_worker_whose_bot_ended_before_it_was_ready_ends():
    not_its_parent = os.getppid()
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-B", str(DECODER), "300", "45", str(not_its_parent)), stdin=asyncio.subprocess.PIPE
    )
    assert await worker.wait() == os.EX_UNAVAILABLE


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux protects a process's memory")
def test_program_protects_its_memory_before_it_reads_its_settings(monkeypatch: pytest.MonkeyPatch):
    libc, protected = ctypes.CDLL(None), list[int]()

    def load() -> Settings:
        protected.append(libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
        raise SettingsError("settings.unreadable", reason="test")

    monkeypatch.setattr(Settings, "load", load)
    try:
        assert exit_of(monkeypatch, "run") == os.EX_CONFIG
    finally:
        libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    assert protected == [0]


async def test_number_of_workers_is_limited(decode_with: Callable[[str], int], tmp_path: Path):
    decode_with(
        f"import os, pathlib, time; folder = pathlib.Path({str(tmp_path)!r})\n"
        "(folder / f'{os.getpid()}.pid').touch()\n"
        "while not (folder / 'go').exists(): time.sleep(0.01)\n" + answering("len(list(folder.glob('*.pid')))")
    )
    inspector = SampleInspector(300, workers=2)
    inspections = asyncio.gather(*(refusal(b"x", inspector) for _ in range(6)))
    await until(lambda: len(sleepers(tmp_path)) == 2)
    later = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await later.wait()  # a third worker would have started before
    assert len(sleepers(tmp_path)) == 2
    (tmp_path / "go").touch()
    assert len(await inspections) == 6
