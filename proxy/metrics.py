"""Counters, gauges and the last decisions, in plain memory: what `/metrics` and the admin page print.

Labels never hold visitor ids. One `Metrics` per process, made by `wiring` and handed down: no module global.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

import msgspec

from proxy.metric_rows import EARLIEST, FROM_ZERO, GAUGES, HELP, HISTOGRAMS
from proxy.model import Decision

MOST_UNCOUNTED = 32
"""Pages that are shown are counted together, at the latest when there are so many: for one alone, all that counts has
to come from memory again, which takes three times as long."""
AT_MOST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STEPS = (*map(str, AT_MOST_SECONDS), "+Inf")

Counts = Counter[tuple[str, str, str]]
"""By name, label and the label's value; "" for a name that has none."""


class Shown(NamedTuple):
    """One decided page, for the live list: when, which path, and what each slot showed. No visitor id."""

    at: float
    path: str
    decisions: tuple[Decision, ...]


class Tally:
    """A counter object, to which its holder adds directly: for what happens with each request."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Times:
    """A histogram of durations, and their sum."""

    def __init__(self) -> None:
        self._counts = [0] * (len(AT_MOST_SECONDS) + 1)
        self._seconds = 0.0

    def note(self, seconds: float, by: int = 1) -> None:
        """Adds a duration, so many times."""
        self._counts[bisect_left(AT_MOST_SECONDS, seconds)] += by
        self._seconds += seconds * by

    def take(self, name: str, origin: str = "") -> Counts:
        """The durations since the last call, as counts by step (not cumulative), and their sum in microseconds. The
        step, or `sum`, stands in place of the label's name."""
        taken = Counter({(name, step, origin): count for step, count in zip(STEPS, self._counts, strict=True) if count})
        if taken:
            taken[name, "sum", origin] = round(self._seconds * 1e6)
            self._counts, self._seconds = [0] * len(self._counts), 0.0
        return taken


class Decided(msgspec.Struct, eq=False, gc=False):
    """What a page's slots show: the decisions, the `rules` that filled some, whether any is not the same for everybody;
    its counters, once it was counted; the `empty` slots, whose rules found no product, so that nothing of them is
    shown; and the `unmet`, lists that stand as they would without their rule. Shared by all visitors who are shown the
    same."""

    decisions: tuple[Decision, ...]
    rules: tuple[str, ...]
    is_personal: bool
    tallies: tuple[Tally, ...] = ()
    empty: Collection[str] = ()
    unmet: Collection[str] = ()

    @classmethod
    def by(
        cls,
        decisions: tuple[Decision, ...],
        fills: Iterable[object] = (),
        rows: Collection[str] = (),
        unmet: Collection[str] = (),
    ) -> Decided:
        """`fills` are what fills the decisions' slots, None for the page's own; `rows` the variants that are rows of
        products. Places that are no slots are left out."""
        empty = _empty(decisions, fills, rows) if rows else ()
        named: list[Decision] = []
        rules: list[str] = []
        is_personal = False
        for decision in decisions:  # once: each page goes through here
            if decision.slot:
                named.append(decision)
                is_personal = is_personal or bool(decision.variant)
                if decision.rule and decision.slot not in empty:
                    rules.append(decision.rule)
        return cls(tuple(named), tuple(rules), is_personal, empty=empty, unmet=unmet)


def _empty(decisions: Iterable[Decision], fills: Iterable[object], rows: Collection[str]) -> list[str]:
    return [one.slot for one, fill in zip(decisions, fills, strict=False) if fill is None and one.variant in rows]


class Metrics:
    """Counts by name and label value; and the last `live_size` decided pages. `from_memory` counts answers with status
    200 for which nobody waited."""

    def __init__(self, live_size: int = 200) -> None:
        self.live_size = live_size
        self._settled: Counts = Counter()
        self._gauges: dict[tuple[str, str, str], Callable[[], int]] = {}
        self._tallies: dict[tuple[str, str, str], Tally] = {}
        self._answer_times = Times()
        self._times = [("tailorbird_answer_seconds", "", self._answer_times)]
        self.from_memory = Tally()
        self._personalised = self.tally("tailorbird_requests_total", "result", "personalised")
        self._default = self.tally("tailorbird_requests_total", "result", "default")
        self._matches: dict[str, Tally] = {}
        self._shown: list[tuple[float, bytes, Decided]] = []
        self._tell: Callable[[], None] = lambda: None
        self._live: deque[tuple[float, bytes, Decided]] = deque(maxlen=live_size)

    def count(self, name: str, label: str = "", value: str = "", by: int = 1) -> None:
        """Adds to `name{label="value"}`. `name` must be a row of `HELP`."""
        self._settled[name, label, value] += by

    def answered(self, status: int, seconds: float) -> None:
        """Counts an answer to a client, who waited so long until it began."""
        self._settled["tailorbird_answers_total", "status", f"{status // 100}xx"] += 1
        self._answer_times.note(seconds)

    def gauge(self, name: str, read: Callable[[], int], label: str = "", value: str = "") -> None:
        """Sets the function that reads a gauge. `name` must be a row of `GAUGES`; 0 of a row of `EARLIEST`: unknown."""
        self._gauges[name, label, value] = read

    def gauges(self) -> Counts:
        """The present values of all gauges."""
        now = {key: read() for key, read in self._gauges.items()}
        return Counter({key: value for key, value in now.items() if value or key[0] not in EARLIEST})

    def tally(self, name: str, label: str = "", value: str = "") -> Tally:
        """The counter object for `count` with these arguments."""
        return self._tallies.setdefault((name, label, value), Tally())

    def watch(self, name: str, times: Times, origin: str = "") -> None:
        """Publishes these durations under `name`, which must be a row of `HISTOGRAMS`, as those of an `origin`."""
        self._times.append((name, origin, times))

    def flush_before_reading(self, tell: Callable[[], None]) -> None:
        """Has `tell` called before metrics are read, for whoever counts with a delay."""
        self._tell = tell

    def show(self, at: float, path: bytes, decided: Decided) -> None:
        """Lists a decided page (its path in wire form), and counts it, later with others."""
        self.show_all(((at, path, decided),))

    def show_all(self, shown: Iterable[tuple[float, bytes, Decided]]) -> None:
        """The same for several pages."""
        self._shown += shown
        if len(self._shown) >= MOST_UNCOUNTED:
            self._count_shown()

    def _count_shown(self) -> None:
        shown, self._shown = self._shown, []
        self._live += shown
        for _, _, decided in shown:
            for tally in decided.tallies or self._tallies_of(decided):
                tally.count += 1  # one by one: to add up a few in a dict first takes 0.1 us more a page

    def _tallies_of(self, decided: Decided) -> tuple[Tally, ...]:
        result = self._personalised if decided.is_personal else self._default
        decided.tallies = (result, *[self._matches.get(rule) or self._match(rule) for rule in decided.rules])
        return decided.tallies

    def _match(self, rule: str) -> Tally:
        match = self._matches[rule] = self.tally("tailorbird_rule_matches_total", "rule", rule)
        return match

    @property
    def live(self) -> list[Shown]:
        """The last decided pages, the newest last."""
        self._tell()
        self._count_shown()
        live = sorted(self._live, key=itemgetter(0))  # some were told of later
        return [Shown(at, path.decode("utf-8", "replace"), decided.decisions) for at, path, decided in live]

    def get(self, name: str, value: str = "") -> int:
        """The count of `name` whose label has `value`; 0 when never counted."""
        return self.by_value(name).get(value, 0)

    def by_value(self, name: str) -> dict[str, int]:
        """The counts of `name` by their label's value."""
        return {value: count for (key, _, value), count in self.counts().items() if key == name}

    def as_text(self, counts: Counts | None = None, gauges: Counts | None = None) -> str:
        """Prometheus text exposition format 0.0.4, of our own counts and gauges or of those given."""
        counts = self.counts() if counts is None else counts
        gauges = self.gauges() if gauges is None else gauges
        lines = {name: [f"# HELP {name} {help}", f"# TYPE {name} counter"] for name, help in HELP.items()}
        lines |= {name: [f"# HELP {name} {help}", f"# TYPE {name} gauge"] for name, help in GAUGES.items()}
        watched = [(name, origin) for name, origin, _ in self._times]
        lines |= {name: list(_histogram(name, counts, watched)) for name in HISTOGRAMS}
        never = {(name, label, value): 0 for name, (label, values) in FROM_ZERO.items() for value in values}
        for (name, label, value), count in sorted((*{**never, **counts}.items(), *gauges.items())):
            if name not in HISTOGRAMS:
                lines[name].append(f'{name}{{{label}="{_escaped(value)}"}} {count}' if label else f"{name} {count}")
        return "\n".join(chain.from_iterable(lines.values())) + "\n"

    def counts(self) -> Counts:
        """All counts."""
        self._tell()
        self._count_shown()
        for key, tally in self._tallies.items():
            if tally.count:
                self._settled[key] += tally.count
                tally.count = 0
        if at_once := self.from_memory.count:
            self._settled["tailorbird_answers_total", "status", "2xx"] += at_once
            self._answer_times.note(0.0, at_once)
            self.from_memory.count = 0
        for name, origin, times in self._times:
            self._settled.update(times.take(name, origin))
        return self._settled


def _histogram(name: str, counts: Counts, watched: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield from (f"# HELP {name} {HISTOGRAMS[name]}", f"# TYPE {name} histogram")
    origins = {origin for key, origin in watched if key == name} | {origin for key, _, origin in counts if key == name}
    for origin in sorted(origins):
        so_far, by = 0, f'origin="{_escaped(origin)}"' if origin else ""
        for step in STEPS:
            so_far += counts[name, step, origin]
            yield f'{name}_bucket{{{by + "," if by else ""}le="{step}"}} {so_far}'
        labels = f"{{{by}}}" if by else ""
        yield f"{name}_sum{labels} {counts[name, 'sum', origin] / 1e6}"
        yield f"{name}_count{labels} {so_far}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
