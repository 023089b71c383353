"""Room in a memo: a dict of what was worked out before, which may hold only so much.

Not all of it goes at once when it is full. A memo that is emptied makes everybody wait while everything is worked out
again, and its memory goes up and down by all of it: a worker that has many then grows for days, to where all of them
happen to be full together.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

PART = 8


def make_room(memo: dict[Any, Any], most: int) -> None:
    """To be called before one more is put in: where there are `most`, an eighth of them goes, the oldest."""
    if len(memo) >= most:
        for key in list(islice(memo, max(1, most // PART))):
            del memo[key]
