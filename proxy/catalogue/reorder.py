"""A list in another order: some move up or down so many places, some stand at a place, some go to the end. Who is to
move and why is `ranking.py`'s.

Its law: but for pins and what goes to the end, nothing stands further from where it was than is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from math import inf

LARGEST_MOVE = 20
"""No card of a listing moves further, however many boosts add up; a pin may."""

_MORE = 1.0 + 1e-9
"""Of two that would stand at one place, first the one that moves up further."""


def reordered(
    order: Sequence[str], places: Mapping[str, float], pins: Mapping[int, str], *, largest: float = LARGEST_MOVE
) -> list[str]:
    """The order after moves and pins. `places` says how far up each moves; none moves further than `largest` because
    of them, but for those that go to the end (-inf), which stay in order there. `pins` has what stands at a place, from
    1: it comes from wherever it is, and nothing else may take it."""
    pinned = {id: place for place, id in pins.items() if id in order}
    rest = [id for id in order if id not in pinned] if pinned else list(order)
    last = [id for id in rest if places.get(id) == -inf]
    if last:
        rest = [id for id in rest if places.get(id) != -inf]
    keys = [float(place) for place in range(len(rest))]
    for place, id in enumerate(rest):
        if id in places:
            keys[place] -= places[id] * _MORE
    new = [rest[place] for place in _sorted_within(int(largest), keys)] + last
    for id, place in sorted(pinned.items(), key=lambda pair: pair[1]):
        new.insert(min(place - 1, len(new)), id)
    return new


def _sorted_within(reach: int, keys: Sequence[float]) -> list[int]:
    """The places in order of their keys, none further than `reach` from where it was: at each place stands the best of
    those that may, or the one that may stand no further down. There is always but one such, the first of the rest."""
    count = len(keys)
    best = sorted(range(count), key=keys.__getitem__)
    if all(-reach <= place - was <= reach for place, was in enumerate(best)):
        return best
    ranks = [0] * count  # whole numbers are quicker to keep in order than keys
    for rank, was in enumerate(best):
        ranks[was] = rank
    waiting: list[int] = []
    is_placed = [False] * count
    new: list[int] = []
    first = entered = 0
    for place in range(count):
        while entered < count and entered <= place + reach:
            heappush(waiting, ranks[entered])
            entered += 1
        while is_placed[first]:
            first += 1
        taken = first
        if first + reach > place:
            while is_placed[taken := best[heappop(waiting)]]:
                pass
        is_placed[taken] = True
        new.append(taken)
    return new
