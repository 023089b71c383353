"""How long a thread runs while another one of the process waits for its turn: for Python's lock, and for a core.

Pages are served by the thread of the event loop; other threads write to the store and to the access log. By default,
Python lets a thread compute for 5 ms before another gets its turn, and Linux for some 3 ms, if there are more threads
than cores. With a shorter time slice a thread runs as soon as it wakes, as long as it has not used up its share; so
writing threads get a smaller share. A tenth is left to them even where pages keep a core busy all the time.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

TURN_SECONDS = 0.000_1
"""Of Python. With a fifth of it threads did little but take turns; with half of it pages cost 2 to 5 % more."""
CORE_SECONDS = 0.000_1
"""Of a core: the shortest that Linux knows."""
FEW = 64
"""So many simple steps take some 10 us."""
SLACK_NS = 1_000
"""So much later may a thread wake that waits for its turn of Python; by itself Linux makes it 50 us."""
_PR_SET_TIMERSLACK = 29
NICE = 12
"""On a core of their own pages wait a quarter less for such a thread than with 10. With 15 they wait even less there,
but where other programs want the core, too, up to four times as long: for the thread may have Python's lock, and no
turn."""
_CALLS = {"x86_64": (315, 314), "aarch64": (275, 274)}
_LAYOUT = struct.Struct("=IIQiIQQQ")
_ORDINARY = 0
_yield_core = ctypes.CDLL(None).sched_yield
"""Called so, it gives up Python's lock meanwhile, which `os.sched_yield` of Python 3.11 keeps."""
Part = TypeVar("Part")


class Scheduling(NamedTuple):
    """How Linux lets a thread run (`struct sched_attr`). Under an ordinary policy `turn_ns` is how long it goes on
    while others wait, 0 the usual time, from Linux 6.12; earlier ones take no notice."""

    size: int
    policy: int
    flags: int
    nice: int
    priority: int
    turn_ns: int
    deadline_ns: int
    period_ns: int


def take_short_turns() -> None:
    """Shortens Python's switch interval for all threads, and the time slice of this thread and of those that it
    starts."""
    sys.setswitchinterval(TURN_SECONDS)
    _reschedule(turn_ns=round(CORE_SECONDS * 1e9))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0)


def let_others() -> None:
    """Whoever waits for Python or for the core has it now. Linux by itself looks again who may have the core when its
    clock ticks, each 1 to 4 ms: for so long a page could wait for a thread that has had its share."""
    _yield_core()


def in_turns(many: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """All of these, a few at a time, and others have their turn between two. Steps that touch what was not used for a
    while take 0.1 us and more each: a loop over 1,000 events takes 0.2 ms, for which a page would wait."""
    for start in range(0, len(many), FEW):
        yield many[start : start + FEW]
        let_others()


def give_way() -> None:
    """Lowers the priority of this thread, so that it leaves a core to threads that pages wait for."""
    _reschedule(turn_ns=0, nice=NICE)


def scheduling() -> Scheduling:
    """The scheduling of this thread. Raises `OSError` if the system does not tell."""
    found = ctypes.create_string_buffer(_LAYOUT.size)
    _call(0, found, _LAYOUT.size, 0)
    return Scheduling(*_LAYOUT.unpack(found.raw))


def _reschedule(*, turn_ns: int, nice: int | None = None) -> None:
    """Sets it, as far as the system supports and allows it."""
    with contextlib.suppress(OSError):
        own = scheduling()
        if own.policy == _ORDINARY:
            nice = own.nice if nice is None else max(nice, own.nice)
            _call(1, _LAYOUT.pack(*own._replace(turn_ns=turn_ns, nice=nice)), 0)


def _call(which: int, *arguments: object) -> None:
    numbers = _CALLS.get(platform.machine()) if sys.platform == "linux" else None
    if numbers is None:
        raise OSError("this system has no such call, or another number for it")
    if ctypes.CDLL(None, use_errno=True).syscall(numbers[which], 0, *arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
