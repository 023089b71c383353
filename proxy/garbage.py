"""Python's cyclic garbage collector, kept from delaying pages.

Now and then Python searches the newest objects, and rarely all of them, for unreachable reference cycles. Nothing else
runs meanwhile: with 10,000 rules in memory, for the better part of a second. Rules, fragments and modules are
long-lived and have no cycles. So large structures are made with the collector paused, and are exempt from it for good.
They are still freed by reference counting when nobody needs them any more, bit by bit, since freeing them at once would
delay pages, too.

What there may be tens of thousands of, as visitors and pages made for them, is a `msgspec.Struct` with `gc=False`,
which the collector does not look at. None of these may be part of a cycle.
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
    """Exempts all objects made before the first request, and makes collections rarer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_SEARCHES, MIDDLING_SEARCHES)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pauses the collector while many lasting objects are made, and exempts them afterwards."""
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
    """Frees something large part by part, after a while and in a thread, so that others can run between two parts."""
    thread = threading.Timer(linger_seconds, _empty, (take,))
    thread.daemon = True
    thread.start()


def _empty(take: Callable[[], object]) -> None:
    with suppress(LookupError):
        while True:
            take()
