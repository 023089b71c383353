"""What work costs: in the full form of a bar by the processor's clock, in the short form by calls of our own functions,
of which a busy machine makes no more."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import proxy

IS_FULL = bool(os.environ.get("BAR_FULL"))
UNIT = "us of CPU" if IS_FULL else "calls"
OURS = str(Path(proxy.__file__).parent)


@contextmanager
def meter(seconds: Callable[[], float]) -> Iterator[Callable[[], float]]:
    """Gives what tells how many `UNIT` were spent so far: by the clock given, or calls in this thread, comprehensions
    included."""
    if IS_FULL:
        yield lambda: seconds() * 1e6
        return
    count = 0

    def see(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_filename.startswith(OURS)

    sys.setprofile(see)
    try:
        yield lambda: count
    finally:
        sys.setprofile(None)
