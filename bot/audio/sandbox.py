"""What a process may not do: the decoder, which reads files from strangers, and the bot, which holds secrets.

Everything but the resource limits needs Linux, and is left out where the kernel lacks it.
"""

import ctypes
import os
import resource
import signal
import sys

LIMITS = {
    resource.RLIMIT_AS: 512 * 2**20,  # bytes of address space, of which Python and FFmpeg's libraries use 150 MB
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_NPROC: 0,  # no further processes or threads; the kernel exempts root
    resource.RLIMIT_NOFILE: 0,  # FFmpeg would open the files and sockets that a playlist or SDP file names
}

# https://man7.org/linux/man-pages/man2/prctl.2.html
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38

# https://docs.kernel.org/userspace-api/landlock.html; these numbers are the same on all processors
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_VERSION = 1  # the flag that asks for the version of Landlock
_FILE_RIGHTS = (13, 14, 15, 15, 16)  # how many rights on files versions 1 to 5 know
TCP_VERSION, SCOPE_VERSION = 4, 6  # the first versions that know ports, and signals and abstract sockets

_libc = ctypes.CDLL(None)
_libc.syscall.restype = ctypes.c_long


def protect_memory() -> None:
    """Keep the processes of this user from reading this process's memory. It leaves no core dumps either."""
    _prctl(_PR_SET_DUMPABLE, 0)


def confine(parent: int, cpu_seconds: int) -> None:
    """Restrict this process permanently, and end it with the process `parent`, which must have started it.

    Modules must be imported before. Linux ends this process when the thread that started it ends.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call
        sys.exit(os.EX_UNAVAILABLE)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _enter_landlock()
    set_limits(cpu_seconds)


def set_limits(cpu_seconds: int) -> None:
    """Lower the resource limits of this process. SIGXCPU ends it after `cpu_seconds` of work."""
    for kind, limit in LIMITS.items():
        _lower(kind, limit, limit)
    _lower(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1)  # at the second limit, it would be SIGKILL


def _lower(kind: int, soft: int, hard: int) -> None:
    allowed = resource.getrlimit(kind)[1]
    if allowed != resource.RLIM_INFINITY:
        soft, hard = min(soft, allowed), min(hard, allowed)
    resource.setrlimit(kind, (soft, hard))


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        _libc.prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0)))


def landlock_version() -> int:
    """Return the version of Landlock that the kernel has, or a number below 1 if there is none."""
    if sys.platform != "linux":
        return 0
    return _libc.syscall(ctypes.c_long(_LANDLOCK_CREATE_RULESET), None, ctypes.c_size_t(0), _LANDLOCK_VERSION)


def _enter_landlock() -> None:
    """Give up all access to files and TCP ports, and to memory and signals of processes outside."""
    version = landlock_version()
    if version < 1:
        return
    files = 2 ** _FILE_RIGHTS[min(version, len(_FILE_RIGHTS)) - 1] - 1
    denied = (ctypes.c_uint64 * 3)(files, 3 if version >= TCP_VERSION else 0, 3 if version >= SCOPE_VERSION else 0)
    size = ctypes.c_size_t(ctypes.sizeof(denied))
    ruleset = _libc.syscall(ctypes.c_long(_LANDLOCK_CREATE_RULESET), ctypes.byref(denied), size, 0)
    if ruleset >= 0:
        _libc.syscall(ctypes.c_long(_LANDLOCK_RESTRICT_SELF), ruleset, 0)
        os.close(ruleset)
