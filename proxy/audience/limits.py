"""How much a visitor has used up of the limits of all rules ("at most 3 times a day"): how often they were shown what,
and which limits they have reached. It is read off their history once, and then carried on from event to event, so that
a page with limits costs about what one without does.

Its law: carried on over an event, it is what would be read off the history with that event in it. Where that is not
certain it is given up, and read again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import inf

from proxy.audience.impressions import MOST_IMPRESSIONS, SHOWN
from proxy.audience.measures import read
from proxy.audience.windows import VISIT_PAUSE_SECONDS, leaves
from proxy.conditions.values import is_number
from proxy.memo import make_room
from proxy.model import Cap, Event, Measure, OneOf, Period, Profile, Reading

MOST_NAMES = 10_000
"""Names of which is known, as they are written, what limits count them."""
NONE_REACHED: frozenset[int] = frozenset()


class Used:
    """How often each of the `limits` has counted (`counts`, of those that ever did), and which are `reached`, by their
    numbers: from `since` until before `until`, while nothing happens. After `room` more events, the history may lose
    one that counts."""

    __slots__ = ("counts", "limits", "newest", "reached", "room", "since", "until")

    def __init__(self, limits: Limits | None, since: float) -> None:
        self.limits = limits
        self.counts: dict[int, float] = {}
        self.reached = NONE_REACHED
        self.since, self.newest = since, ""  # the id of the newest event, if it happened then
        self.until = inf
        self.room = MOST_IMPRESSIONS

    def copy(self) -> Used:
        """Another, to be carried on."""
        other = Used(self.limits, self.since)
        other.counts = self.counts.copy()
        other.reached, other.newest, other.until, other.room = self.reached, self.newest, self.until, self.room
        return other

    def holds(self, limits: Limits, now: float) -> bool:
        """Whether it is what would be read of these limits."""
        return self.limits is limits and self.since <= now < self.until

    def add(self, event: Event) -> bool:
        """Carries it on. False when what is reached, or until when, is not as it was: it may have been given up."""
        limits, at = self.limits, event.at
        if limits is None:
            return True
        is_next = at > self.since or (at == self.since and event.id > self.newest)
        numbers = limits.counting(event)
        is_alone = at > self.since or not self.newest
        if not is_next or self.room < 1 or limits.needs_history(event, numbers, is_alone=is_alone):
            self.limits = None
            return False
        self.since, self.newest = at, event.id
        self.room -= 1
        reached, until = self.reached, self.until
        for number in numbers:
            self._count(limits.caps[number], number, at)
        if limits.of_visits:
            self.until = min(self.until, at + VISIT_PAUSE_SECONDS)
        return self.reached is reached and self.until == until

    def _count(self, cap: Cap, number: int, at: float) -> None:
        before = self.counts.get(number, 0.0)
        self.counts[number] = count = before if cap.measure.then else before + 1.0
        if not before:  # else another leaves before this one does
            self.until = min(self.until, leaves(cap.measure, at))
        if count >= cap.enough and number not in self.reached:
            self.reached = self.reached | {number}


class Limits:
    """The caps of all rules, each with a number. Nearly all count what was shown, or clicked, of rules they name."""

    def __init__(self, caps: Iterable[Cap]) -> None:
        self.caps = tuple(dict.fromkeys(caps))
        self._number_of = {cap: number for number, cap in enumerate(self.caps)}
        self._others = frozenset(number for number, cap in enumerate(self.caps) if not _is_plain(cap.measure))
        self._naming: dict[tuple[str, str], tuple[int, ...]] = defaultdict(tuple)
        for number, cap in enumerate(self.caps):
            for name in _names(cap.measure) if number not in self._others else ():
                for kind in cap.measure.kinds:
                    self._naming[kind, name] += (number,)
        self._kinds = frozenset(kind for kind, _ in self._naming)
        self._shown: dict[str, tuple[int, ...]] = {}
        self._followers = frozenset(kind for cap in self.caps if cap.measure.then for kind in cap.measure.then.kinds)
        self.of_visits = any(cap.measure.period is Period.VISIT for cap in self.caps)

    def numbers(self, caps: Iterable[Cap]) -> frozenset[int]:
        """The numbers of some of its caps."""
        return frozenset(map(self._number_of.__getitem__, caps))

    def used(self, profile: Profile, now: float) -> Used:
        """What a visitor has used up of them, remembered with the profile."""
        known = profile.remembered.get(Used)
        if not isinstance(known, Used) or not known.holds(self, now):
            known = profile.remembered[Used] = self._read(profile.history, now)
        return known

    def counting(self, event: Event) -> tuple[int, ...]:
        """Those that the event counts towards, each as often as it counts."""
        found: tuple[int, ...] = ()
        for name in event.shown:
            numbers = self._shown.get(name)
            if numbers is None:
                numbers = self._learn(name)
            if numbers:
                found += numbers
        if event.kind in self._kinds:
            found += self._naming.get((event.kind, event.subject.casefold()), ())
        return found

    def needs_history(self, event: Event, numbers: Sequence[int], *, is_alone: bool) -> bool:
        """Whether what changes by an event that counts towards these cannot be told without the history: it may follow
        others, or, unless it `is_alone` at its moment, be followed already."""
        if not self._followers:
            return bool(self._others)
        return event.kind in self._followers or bool(self._others) or bool(numbers and not is_alone)

    def _learn(self, name: str) -> tuple[int, ...]:
        make_room(self._shown, MOST_NAMES)
        numbers = self._shown[name] = self._naming.get((SHOWN, name.casefold()), ())
        return numbers

    def _read(self, history: Sequence[Event], now: float) -> Used:
        places: dict[int, list[int]] = {number: [] for number in self._others}
        for place, event in enumerate(history):
            for number in self.counting(event):
                places.setdefault(number, []).append(place)
        used = Used(self, now)
        oldest = len(history)
        for number, at in places.items():
            measure = self.caps[number].measure
            told = read(measure, history, now)
            value = told.value(now)
            count = used.counts[number] = value if is_number(value) else 0.0
            used.until = min(used.until, told.holds_until)
            counted = at if measure.then else at[len(at) - int(count) :]
            oldest = min([oldest, *counted[:1]])
        if self._others:
            used.until = now
        if history and history[-1].at >= now:
            used.since, used.newest = history[-1].at, history[-1].id
        used.reached = frozenset(number for number, count in used.counts.items() if count >= self.caps[number].enough)
        used.room = MOST_IMPRESSIONS - len(history) + oldest
        return used


def _is_plain(measure: Measure) -> bool:
    """Whether it counts what was shown or clicked of rules that it names: all that editors can write does."""
    then = measure.then
    is_count = measure.reading is Reading.COUNT and not measure.grades
    return is_count and bool(_names(measure)) and (then is None or (then.wanted and SHOWN not in then.kinds))


def _names(measure: Measure) -> frozenset[str]:
    """The rules it names, casefolded."""
    match measure.where:
        case (("subject", OneOf(values)),):
            return frozenset(map(str.casefold, values))
    return frozenset()
