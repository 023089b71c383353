"""The measures of one visitor: which limits of rules they have reached ("at most 3 times a day"), and the attributes
that conditions ask for ("viewed shoes at least 3 times in 14 days"). A measure is read off the history once, when it is
asked for, and then updated with each event (`incremental.py`), so that such a page costs about what another does.

Updated with an event, a value is what the history with that event in it would give. Where that is not certain, it is
dropped and read again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from proxy.audience.impressions import MOST_IMPRESSIONS, matches_kinds
from proxy.audience.incremental import events_left, least_that_counts, oldest, updated
from proxy.audience.measures import STAMP, DaysSince, Decaying, Measured, read
from proxy.audience.tracked import Measures, Tracked, bin_holds_until, bin_of
from proxy.audience.traits import is_in_history, with_reported
from proxy.conditions.values import is_number
from proxy.model import Attributes, AttributeValue, Event, Profile, Reading

NONE_REACHED: frozenset[int] = frozenset()
NEVER = Measured(0.0, -inf, inf)
"""The value of a limit that no event counts towards."""
Current = Callable[[], Profile | None]


class Readings:
    """The values `read` of these `measures`, by number; the `bins` they are in, and until before when if no event
    comes. `reached` are the limits that are reached, until before `reached_until`.

    A history holds so many events, and loses the oldest. `certain_until` says, by number, with how many `added` events
    it still has all that count; after `next_loss` that ends for one of them. Its bin may be certain for longer than its
    value, which is then read again if it is asked for (`bins_certain_until`). Of a limit that is not reached, the value
    is the most that it can be from then on.
    """

    __slots__ = (
        "added", "bins", "bins_certain_until", "bins_hold_until", "certain_until", "measures", "newest_at", "newest_id",
        "next_loss", "only_imported", "reached", "reached_until", "read", "reported",
    )  # fmt: skip

    def __init__(self, measures: Measures | None, reported: Attributes) -> None:
        """`reported` are the profile's attributes, as events and imports reported them."""
        self.measures, self.reported = measures, reported
        self.read: dict[int, Measured] = {}
        self.bins: dict[int, object] = {}
        self.bins_hold_until: dict[int, float] = {}
        self.only_imported: frozenset[int] = frozenset()  # the history holds nothing of that kind yet
        self.reached, self.reached_until = NONE_REACHED, -inf
        self.newest_at, self.newest_id = -inf, ""  # the id of the newest event, if it happened then
        self.added, self.next_loss = 0, inf
        self.certain_until: dict[int, float] = {}
        self.bins_certain_until: dict[int, float] = {}

    def copy(self) -> Readings:
        """A copy that can be updated by itself."""
        other = Readings(self.measures, self.reported)
        other.read, other.bins, other.bins_hold_until = self.read.copy(), self.bins.copy(), self.bins_hold_until.copy()
        other.reached, other.reached_until, other.only_imported = self.reached, self.reached_until, self.only_imported
        other.newest_at, other.newest_id, other.added = self.newest_at, self.newest_id, self.added
        other.certain_until, other.bins_certain_until = self.certain_until.copy(), self.bins_certain_until.copy()
        other.next_loss = self.next_loss
        return other

    # -- asked

    def value(self, number: int, now: float, current: Current) -> AttributeValue | None:
        """The value of an attribute. If it is to be read, `current` gives the profile as it is now."""
        known = self.read.get(number)
        if known is None or not known.holds(now):
            known = self._read(number, now, _history(current()))
        return self._with_reported(number, known).value(now)

    def holds_until(self, number: int, now: float) -> float:
        """Until before when the value stays in its bin if no event comes."""
        self._note_bin(number, self.read[number], now)
        return self.bins_hold_until[number]

    def limits(self, now: float, current: Current) -> frozenset[int]:
        """The limits that are reached."""
        if not self.newest_at <= now < self.reached_until:
            self._read_limits(now, _history(current()))
        return self.reached

    def _one(self, number: int) -> Tracked:
        assert self.measures is not None
        return self.measures.all[number]

    def _with_reported(self, number: int, known: Measured) -> Measured:
        one = self._one(number)
        reported = self.reported.get(one.name)
        if reported is None:
            return known
        return with_reported(one.measure, known, reported, is_in_history=number not in self.only_imported)

    # -- read

    def _read(self, number: int, now: float, history: Sequence[Event]) -> Measured:
        one = self._one(number)
        known = self.read[number] = read(one.measure, history, now)
        if one.name in self.reported and not is_in_history(one.measure, history):
            self.only_imported |= {number}
        self._note_read(history, now)
        self._note_certain(number, events_left(one.measure, history, oldest(one.measure, known, history, now)))
        least = least_that_counts(one.measure, known, history, now, one.breaks)
        left = events_left(one.measure, history, least) if least is not None else 0
        self.bins_certain_until[number] = self.added + left
        self._note_bin(number, known, now)
        return known

    def _read_limits(self, now: float, history: Sequence[Event]) -> None:
        measures = self.measures
        assert measures is not None
        limits = range(len(measures.caps))
        self._drop_limits()
        places: dict[int, list[int]] = {}
        for place, event in enumerate(history):
            for number in measures.touched(event):
                if number in limits:
                    places.setdefault(number, []).append(place)
        until, reached = inf, set()
        for number, at in places.items():
            cap = measures.caps[number]
            known = self.read[number] = read(cap.measure, history, now)
            value = known.value(now)
            count = value if is_number(value) else 0.0
            until = min(until, known.holds_until)
            counted = at if cap.measure.then else at[max(0, len(at) - int(count)) :]
            self._note_certain(number, events_left(cap.measure, history, next(iter(counted), len(history))))
            if count >= cap.limit:
                reached.add(number)
        self.reached, self.reached_until = frozenset(reached), until
        self._note_read(history, now)

    def _note_read(self, history: Sequence[Event], now: float) -> None:
        """Notes when that was."""
        if now > self.newest_at:
            self.newest_at, self.newest_id = now, ""
        if history and STAMP(history[-1]) > (self.newest_at, self.newest_id):
            self.newest_at, self.newest_id = STAMP(history[-1])

    def _note_certain(self, number: int, events_left: float) -> None:
        """Notes how many events may come until one that counts may be lost."""
        until = self.certain_until[number] = self.added + events_left
        self.next_loss = min(self.next_loss, until)

    # -- updated

    def add(self, event: Event) -> bool:
        """Updates all values. False when a bin, or until when it holds, has changed or is not known."""
        measures, at = self.measures, event.at
        if measures is None:
            return True
        is_next = at > self.newest_at or (at == self.newest_at and event.id > self.newest_id)
        if not is_next:
            self.measures = None
            return False
        is_alone = at > self.newest_at or not self.newest_id
        self.newest_at, self.newest_id = at, event.id
        self.added += 1
        is_same = self.added <= self.next_loss or self._note_losses()
        if self.only_imported and self._drop_imported(event):
            is_same = False
        many_limits = len(measures.caps)
        for number in measures.touched(event):
            known, is_limit = self.read.get(number), number < many_limits
            if is_limit and self.reached_until == -inf:
                continue  # nobody asked
            if known is None:
                if not is_limit or self._may_follow(number, event):
                    continue
                known = NEVER
                self._note_certain(number, MOST_IMPRESSIONS)
            if not self._update(number, known, event, is_limit=is_limit, is_alone=is_alone):
                is_same = False
        return is_same

    def _update(self, number: int, known: Measured, event: Event, *, is_limit: bool, is_alone: bool) -> bool:
        new = updated(self._one(number).measure, known, event, is_alone=is_alone)
        if new is None:
            return self._drop(number, is_limit=is_limit)
        self.read[number] = new
        if new.result is known.result and new.holds_until >= known.holds_until:
            return True
        return self._note_limit(number, new, event.at) if is_limit else self._note_bin(number, new, event.at)

    def _may_follow(self, number: int, event: Event) -> bool:
        """Whether the event is of a kind that must follow, or must not, what the measure counts."""
        then = self._one(number).measure.then
        return then is not None and matches_kinds(event, then.kinds)

    def _drop_imported(self, event: Event) -> bool:
        """Drops imported values of measures for which the history has its first event now."""
        dropped = [number for number in self.only_imported if matches_kinds(event, self._one(number).measure.kinds)]
        for number in dropped:
            self._drop(number, is_limit=False)
        self.only_imported = self.only_imported.difference(dropped)
        return bool(dropped)

    def _drop(self, number: int, *, is_limit: bool) -> bool:
        if is_limit:
            self._drop_limits()
        else:
            self.read.pop(number, None)
            self.certain_until.pop(number, None)
        return False

    def _drop_limits(self) -> None:
        """Has all limits read again, as they are read together."""
        self.reached, self.reached_until = NONE_REACHED, -inf
        assert self.measures is not None
        many = len(self.measures.caps)
        for number in [number for number in self.read if number < many]:
            del self.read[number]
            self.certain_until.pop(number, None)

    # -- lost

    def _note_losses(self) -> bool:
        """Notes that the history may have lost what some values count. False when a bin may have changed with it."""
        lost = [number for number, until in self.certain_until.items() if until < self.added]
        changed = [number for number in lost if not self._lose(number)]
        self.next_loss = min(self.certain_until.values(), default=inf)
        return not changed

    def _lose(self, number: int) -> bool:
        one, known = self._one(number), self.read.get(number)
        if not one.name:
            may_grow = number not in self.reached and one.measure.reading is Reading.COUNT and one.measure.then is None
            if not may_grow:
                return self._drop(number, is_limit=True)
            self.certain_until[number] = inf
            return True
        until = self.bins_certain_until.get(number, 0.0)
        if known is None or until < self.added:
            return self._drop(number, is_limit=False)
        del self.read[number]
        self.certain_until[number] = until
        return True

    def _note_bin(self, number: int, known: Measured, now: float) -> bool:
        """Notes the bin of a value; False when it has changed, or ends sooner."""
        one = self._one(number)
        value = self._with_reported(number, known) if self.reported else known
        new, until = bin_of(one.breaks, value.value(now)), known.holds_until
        if isinstance(value.result, DaysSince | Decaying):
            until = min(until, bin_holds_until(one.breaks, value.result, now))
        before = self.bins_hold_until.get(number)
        is_same = before is not None and self.bins[number] == new and before <= until
        self.bins[number], self.bins_hold_until[number] = new, until
        return is_same

    def _note_limit(self, number: int, known: Measured, now: float) -> bool:
        reached, until = self.reached, self.reached_until
        value, (enough,) = known.value(now), self._one(number).breaks or (inf,)
        if is_number(value) and value >= enough and number not in reached:
            if self.certain_until.get(number) == inf:
                return self._drop(number, is_limit=True)
            self.reached = reached | {number}
        self.reached_until = min(until, known.holds_until)
        return self.reached is reached and self.reached_until == until


def _history(profile: Profile | None) -> Sequence[Event]:
    return profile.history if profile is not None else ()


def readings_of(measures: Measures, profile: Profile) -> Readings:
    """The values of these measures, cached with the profile."""
    known = profile.remembered.get(Readings)
    if not isinstance(known, Readings) or known.measures is not measures:
        known = profile.remembered[Readings] = Readings(measures, profile.attributes)
    return known
