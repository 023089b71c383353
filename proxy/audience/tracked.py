"""The measures that the rules of a publication read off visitors' histories, numbered: the limits of rules first, then
the attributes that conditions and fields ask for. And which of them an event may change.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import inf
from typing import NamedTuple

from proxy.audience.measures import DAY_SECONDS, DaysSince, Decaying, Value, asks_of_items, counts, is_moving
from proxy.conditions.behaviours import SHOWN
from proxy.conditions.values import folded
from proxy.memo import make_room
from proxy.model import AttributeValue, Cap, Event, Measure, OneOf, Reading

MOST_NAMES = 10_000
"""Names of rules and subjects of events whose measures are cached."""
MARGIN_SECONDS = 0.01
"""Before the moment at which a number of days is over: to the float, that depends on how it is calculated."""

Breaks = tuple[float, ...] | None
"""The numbers that rules compare a value with, as in a column of a plan: values between two of them, in one bin, are
equal to all rules. None where every value differs."""


class Tracked(NamedTuple):
    """A measure, the attribute `name` that is read by it ("" for a limit's), and its breaks."""

    name: str
    measure: Measure
    breaks: Breaks

    @property
    def moves(self) -> bool:
        """Whether its bin may change at moments that are not known ahead."""
        return is_moving(self.measure) and (self.breaks is None or self.measure.reading is Reading.SCORE)


class Measures:
    """The limits and attributes of all rules."""

    def __init__(
        self, caps: Iterable[Cap] = (), attributes: Mapping[tuple[str, Measure], Breaks] | None = None
    ) -> None:
        self.caps = tuple(dict.fromkeys(caps))
        limits = [Tracked("", cap.measure, (cap.limit,)) for cap in self.caps]
        asked = [Tracked(name, measure, breaks) for (name, measure), breaks in (attributes or {}).items()]
        self.all = (*limits, *asked)
        self._number_of_cap = {cap: number for number, cap in enumerate(self.caps)}
        self._number_of = {(one.name, one.measure): number for number, one in enumerate(self.all) if one.name}
        self._naming: dict[tuple[str, str], tuple[int, ...]] = defaultdict(tuple)
        self._of_kind: dict[str, tuple[int, ...]] = defaultdict(tuple)
        self._of_items: dict[str, tuple[int, ...]] = defaultdict(tuple)
        self._following: dict[str, tuple[int, ...]] = defaultdict(tuple)
        for number, one in enumerate(self.all):
            self._index(number, one.measure)
        self._shown: dict[str, tuple[int, ...]] = {}
        self._about: dict[tuple[str, str], tuple[int, ...]] = {}

    def numbers(self, caps: Iterable[Cap]) -> frozenset[int]:
        """The numbers of some of its limits."""
        return frozenset(map(self._number_of_cap.__getitem__, caps))

    def number(self, name: str, measure: Measure) -> int:
        """The number of an attribute."""
        return self._number_of[name, measure]

    def touched(self, event: Event) -> tuple[int, ...]:
        """Those that the event counts towards, each as often as it counts; and those of which it may be what had to
        follow."""
        found: tuple[int, ...] = ()
        for name in event.shown:
            numbers = self._shown.get(name)
            found += self._learn_shown(name) if numbers is None else numbers
        kind = event.kind
        numbers = self._about.get((kind, event.subject))
        found += self._learn(event) if numbers is None else numbers
        for number in self._of_items.get(kind, ()) if event.items else ():
            if counts(self.all[number].measure, event):
                found += (number,)
        return found

    def _index(self, number: int, measure: Measure) -> None:
        names = names_of(measure)
        for kind in measure.kinds:
            if asks_of_items(measure):
                self._of_items[kind] += (number,)
            for name in names:
                self._naming[kind, name] += (number,)
            if not names and not asks_of_items(measure):
                self._of_kind[kind] += (number,)
        for kind in measure.then.kinds if measure.then else ():
            self._following[kind] += (number,)

    def _learn_shown(self, name: str) -> tuple[int, ...]:
        make_room(self._shown, MOST_NAMES)
        numbers = self._shown[name] = self._counted(SHOWN, name)
        return numbers

    def _learn(self, event: Event) -> tuple[int, ...]:
        make_room(self._about, MOST_NAMES)
        numbers = self._about[event.kind, event.subject] = self._counted(event.kind, event.subject)
        return numbers

    def _counted(self, kind: str, subject: str) -> tuple[int, ...]:
        """Those that an event of this kind and subject counts towards, whatever its products; and those it follows."""
        event = Event(0.0, "", kind, subject)
        others = [one for one in self._of_kind.get(kind, ()) if counts(self.all[one].measure, event)]
        return (*self._naming.get((kind, folded(subject)), ()), *others, *self._following.get(kind, ()))


def names_of(measure: Measure) -> frozenset[str]:
    """The subjects it counts, folded, if it asks for nothing else."""
    match measure.where:
        case (("subject", OneOf(values)),):
            return frozenset(map(folded, values))
    return frozenset()


def bin_of(breaks: Breaks, value: AttributeValue | None) -> object:
    """The bin of a number: how many breaks are below it. Of any other value, itself."""
    return bisect_left(breaks, value) if breaks is not None and type(value) is float else value


def bin_holds_until(breaks: Breaks, result: Value, now: float) -> float:
    """Until before when time alone does not change the bin; `now` when that is not certain."""
    if not isinstance(result, DaysSince | Decaying):
        return inf
    if breaks is None or isinstance(result, Decaying):
        return now
    place = bisect_left(breaks, result.value(now))
    if place == len(breaks):
        return inf
    until = result.at + breaks[place] * DAY_SECONDS - MARGIN_SECONDS
    return until if now < until else now
