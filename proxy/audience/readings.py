"""What was read off one visitor's history: which limits of rules they have reached ("at most 3 times a day"), and the
attributes that conditions ask for ("viewed shoes at least 3 times in 14 days"). It is read once, when it is asked for,
and then carried on from event to event, so that a page which asks such things costs about what another does.

Its law: carried on over an event, it is what would be read off the history with that event in it. Where that is not
certain it is given up, and read again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import inf

from proxy.audience.carrying import carried
from proxy.audience.impressions import BANNERS, MOST_DEEDS, MOST_IMPRESSIONS, matches_kinds
from proxy.audience.measures import AT, STAMP, DaysSince, Decaying, Read, read
from proxy.audience.tracked import Measures, Tracked, until_it_matters, what_it_comes_to
from proxy.audience.traits import is_heard, joined
from proxy.audience.windows import window_of
from proxy.conditions.values import is_number
from proxy.model import Attributes, AttributeValue, Event, Measure, Period, Profile

NONE_REACHED: frozenset[int] = frozenset()
NEVER = Read(0.0, -inf, inf)
"""Of a limit that nothing counts towards."""
Current = Callable[[], Profile | None]


class Readings:
    """What was `read` of these `measures`, by their numbers; `worth` is what it comes to, where it matters, and `ends`
    until before when it does while nothing happens. `reached` are the limits that are reached, until before
    `reached_until`. After `room` more events, the history may lose one that counts."""

    __slots__ = (
        "ends", "measures", "newest", "reached", "reached_until", "read", "room", "said", "since", "unheard", "worth",
    )  # fmt: skip

    def __init__(self, measures: Measures | None, said: Attributes) -> None:
        """`said` is what events and imports told of attributes, which go before what was read or beside it."""
        self.measures, self.said = measures, said
        self.read: dict[int, Read] = {}
        self.worth: dict[int, object] = {}
        self.ends: dict[int, float] = {}
        self.unheard: frozenset[int] = frozenset()  # an import said it, and the history holds nothing of that sort yet
        self.reached, self.reached_until = NONE_REACHED, -inf
        self.since, self.newest = -inf, ""  # the id of the newest event, if it happened then
        self.room = MOST_IMPRESSIONS

    def copy(self) -> Readings:
        """Another, to be carried on."""
        other = Readings(self.measures, self.said)
        other.read, other.worth, other.ends = self.read.copy(), self.worth.copy(), self.ends.copy()
        other.reached, other.reached_until, other.unheard = self.reached, self.reached_until, self.unheard
        other.since, other.newest, other.room = self.since, self.newest, self.room
        return other

    # -- asked

    def value(self, number: int, now: float, current: Current) -> AttributeValue | None:
        """The value of an attribute. If it is to be read, `current` gives the profile as it is now."""
        known = self.read.get(number)
        if known is None or not known.holds(now):
            known = self._read(number, now, _history(current()))
        return self._beside_said(number, known).value(now)

    def lasts(self, number: int, now: float) -> float:
        """Until before when the value that was told comes to the same while nothing happens."""
        self._weigh(number, self.read[number], now)
        return self.ends[number]

    def limits(self, now: float, current: Current) -> frozenset[int]:
        """The limits that are reached."""
        if not self.since <= now < self.reached_until:
            self._read_limits(now, _history(current()))
        return self.reached

    def _one(self, number: int) -> Tracked:
        assert self.measures is not None  # who gave up is not asked
        return self.measures.all[number]

    def _beside_said(self, number: int, known: Read) -> Read:
        one = self._one(number)
        said = self.said.get(one.name)
        return known if said is None else joined(one.measure, known, said, is_heard=number not in self.unheard)

    # -- read

    def _read(self, number: int, now: float, history: Sequence[Event]) -> Read:
        one = self._one(number)
        known = self.read[number] = read(one.measure, history, now)
        if one.name in self.said and not is_heard(one.measure, history):
            self.unheard |= {number}
        self._was_read(history, now, _oldest(one.measure, history, now), _most(one.measure))
        self._weigh(number, known, now)
        return known

    def _read_limits(self, now: float, history: Sequence[Event]) -> None:
        measures = self.measures
        assert measures is not None
        limits = range(len(measures.caps))
        places: dict[int, list[int]] = {number: [0] for number in measures.odd if number in limits}
        for place, event in enumerate(history):
            for number in measures.touched(event):
                if number in limits:
                    places.setdefault(number, []).append(place)
        oldest, until, reached = len(history), inf, set()
        for number, at in places.items():
            cap = measures.caps[number]
            known = self.read[number] = read(cap.measure, history, now)
            value = known.value(now)
            count = value if is_number(value) else 0.0
            until = min(until, known.holds_until)
            counted = at if cap.measure.then else at[max(0, len(at) - int(count)) :]
            oldest = min([oldest, *counted[:1]])
            if count >= cap.limit:
                reached.add(number)
        self.reached, self.reached_until = frozenset(reached), until
        self._was_read(history, now, oldest, MOST_IMPRESSIONS)

    def _was_read(self, history: Sequence[Event], now: float, oldest: int, most: int) -> None:
        """Notes when that was, and how many events may come until the oldest that counts may be lost."""
        if now > self.since:
            self.since, self.newest = now, ""
        if history and STAMP(history[-1]) > (self.since, self.newest):
            self.since, self.newest = STAMP(history[-1])
        self.room = min(self.room, most - len(history) + oldest)

    # -- carried on

    def add(self, event: Event) -> bool:
        """Carries all on. False when what anything comes to, or until when, is not as it was, or not known."""
        measures, at = self.measures, event.at
        if measures is None:
            return True
        is_next = at > self.since or (at == self.since and event.id > self.newest)
        if not is_next or self.room < 1 or measures.odd:
            self.measures = None
            return False
        is_alone = at > self.since or not self.newest
        self.since, self.newest = at, event.id
        self.room -= 1
        is_same = not (self.unheard and self._hear(event))
        many_limits = len(measures.caps)
        for number in measures.touched(event):
            known, is_limit = self.read.get(number), number < many_limits
            if known is None:
                if not is_limit or self._is_waited_for(number, event):
                    continue
                known = NEVER
            if is_limit and self.reached_until == -inf:
                continue  # nobody asked
            if not self._carry(number, known, event, is_limit=is_limit, is_alone=is_alone):
                is_same = False
        return is_same

    def _carry(self, number: int, known: Read, event: Event, *, is_limit: bool, is_alone: bool) -> bool:
        carried_on = carried(self._one(number).measure, known, event, is_alone=is_alone)
        if carried_on is None:
            return self._drop(number, is_limit=is_limit)
        self.read[number] = carried_on
        if carried_on.told is known.told and carried_on.holds_until >= known.holds_until:
            return True
        return (
            self._weigh_limit(number, carried_on, event.at) if is_limit else self._weigh(number, carried_on, event.at)
        )

    def _is_waited_for(self, number: int, event: Event) -> bool:
        """Whether the event is what others may have to be followed by."""
        then = self._one(number).measure.then
        return then is not None and matches_kinds(event, then.kinds)

    def _hear(self, event: Event) -> bool:
        """Drops what an import said of something that the history tells of from now on."""
        heard = [number for number in self.unheard if matches_kinds(event, self._one(number).measure.kinds)]
        for number in heard:
            self._drop(number, is_limit=False)
        self.unheard = self.unheard.difference(heard)
        return bool(heard)

    def _drop(self, number: int, *, is_limit: bool) -> bool:
        self.read.pop(number, None)
        if is_limit:
            self.reached, self.reached_until = NONE_REACHED, -inf
        return False

    def _weigh(self, number: int, known: Read, now: float) -> bool:
        """Notes what it comes to; False when that is something else, or ends sooner."""
        one = self._one(number)
        told = self._beside_said(number, known) if self.said else known
        worth, ends = what_it_comes_to(one.breaks, told.value(now)), known.holds_until
        if isinstance(told.told, DaysSince | Decaying):
            ends = min(ends, until_it_matters(one.breaks, told.told, now))
        is_same = number in self.ends and self.worth[number] == worth and self.ends[number] <= ends
        self.worth[number], self.ends[number] = worth, ends
        return is_same

    def _weigh_limit(self, number: int, known: Read, now: float) -> bool:
        reached, until = self.reached, self.reached_until
        value, (enough,) = known.value(now), self._one(number).breaks or (inf,)
        if is_number(value) and value >= enough and number not in reached:
            self.reached = reached | {number}
        self.reached_until = min(until, known.holds_until)
        return self.reached is reached and self.reached_until == until


def _history(profile: Profile | None) -> Sequence[Event]:
    return profile.history if profile is not None else ()


def readings_of(measures: Measures, profile: Profile) -> Readings:
    """What was read of these measures, remembered with the profile."""
    known = profile.remembered.get(Readings)
    if not isinstance(known, Readings) or known.measures is not measures:
        known = profile.remembered[Readings] = Readings(measures, profile.attributes)
    return known


def _oldest(measure: Measure, history: Sequence[Event], now: float) -> int:
    """The place of the oldest event that may count, or say what does."""
    window = window_of(measure, history[: bisect_right(history, now, key=AT)], now)
    since = max(window.since, now - window.within - 1.0)
    kinds = None if measure.period is Period.VISIT else measure.kinds + (measure.then.kinds if measure.then else ())
    told = (
        place
        for place, event in enumerate(history)
        if event.at >= since and (kinds is None or matches_kinds(event, kinds))
    )
    return next(told, len(history))


def _most(measure: Measure) -> int:
    """The newest so many of its kinds of events are never lost."""
    is_of_deeds = measure.period is not Period.VISIT and not measure.then and not set(measure.kinds) & set(BANNERS)
    return MOST_DEEDS if is_of_deeds else MOST_IMPRESSIONS
