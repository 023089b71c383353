"""Python's cyclic garbage collector, kept from holding up pages.

Now and then Python looks through the objects made of late, and seldom through all there are, for such as hold each
other and nobody else does. Meanwhile nothing else runs in the process: with 10,000 rules in memory for the better part
of a second. Rules, fragments and modules are there to stay and hold nothing in a circle. So what is made in one go is
made without being looked through, and left alone for good. It is freed all the same, once nobody has it any more, and
then bit by bit: that too would hold up everybody for as long as it takes.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

YOUNG_OBJECTS = 2_000
"""How many may be made until the young ones are looked through. Python's own 700 took a sixth of a busy worker's time,
and found next to nothing; ten times as many would hold back garbage for long."""
YOUNG_SEARCHES, MIDDLING_SEARCHES = 3, 250
"""After so many of these searches, those that were found in use then are looked through again. With visitors who are
all new 20 searches of 5,000 held up everybody for 55 ms each time, these for 6, and take less time in all."""

LINGER_SECONDS = 5.0
"""Until nobody has any more of what was given up, such as a batch of recorded views."""

_turn = threading.Lock()
_at_rest = 0


def freeze() -> None:
    """Leaves alone what is there before the first request, and looks less often at what comes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_SEARCHES, MIDDLING_SEARCHES)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Nothing is looked through while much is made that stays, nor afterwards what was made."""
    global _at_rest  # the collector is one for all threads, and so is whether it rests
    with _turn:
        _at_rest += 1
        gc.disable()
    try:
        yield
    finally:
        with _turn:
            _at_rest -= 1
            if not _at_rest:
                if gc.get_count()[0] > YOUNG_OBJECTS:
                    gc.freeze()
                gc.enable()


def let_go(take: Callable[[], object], *, linger_seconds: float = LINGER_SECONDS) -> None:
    """Takes parts of what was given up until there are none, after a while and in a thread: between two parts whoever
    waits gets a turn."""
    thread = threading.Timer(linger_seconds, _empty, (take,))
    thread.daemon = True
    thread.start()


def _empty(take: Callable[[], object]) -> None:
    with suppress(LookupError):
        while True:
            take()
