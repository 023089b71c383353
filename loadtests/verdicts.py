"""What the bars about whole pages ask for, and whether a run of `pages.py` reached it. Nothing fails by it, since
machines are shared; but a number that falls short is said to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

STATIC, INCLUDES, ESI, PASSING = "nginx, static file", "nginx SSI", "Varnish ESI", "nginx proxy_pass"
OURS = "Tailorbird"
QUIET = f"{OURS}, without events"
"""The same with the setting `capture` off: no rival notes who saw what either."""
STREAMED = f"{OURS}, no page, streamed"
THROUGHPUT = "x its answers per second"
LOADER_LIMIT = 0.95
"""Share of its core above which the load measures itself: no verdict is given on answers per second then."""


class Row(Protocol):
    """As much of a measured row as a goal asks for."""

    @property
    def work(self) -> str: ...
    @property
    def server(self) -> str: ...
    @property
    def right(self) -> bool: ...
    @property
    def p99_ms_paced(self) -> float: ...
    @property
    def p99_us_alone(self) -> float: ...
    @property
    def bytes(self) -> float: ...
    @property
    def loader_share(self) -> float: ...
    @property
    def times(self) -> Mapping[str, tuple[float, float]]: ...


@dataclass(frozen=True)
class Goal:
    """One line of a bar: `measured` of our row and the other's is to be at least, or at most, `goal`. `aim` is what we
    are after beyond it."""

    bar: str
    work: str
    other: str
    what: str
    goal: float
    measured: Callable[[Row, Row], float]
    is_most: bool = False
    aim: float | None = None
    servers: tuple[str, ...] = (OURS, QUIET)


def _cpu(ours: Row, other: Row) -> float:
    return ours.times[other.server][0]


def _throughput(ours: Row, other: Row) -> float:
    return ours.times[other.server][1]


def _p99_over(ours: Row, other: Row) -> float:
    return ours.p99_us_alone - other.p99_us_alone


def _p99_times(ours: Row, other: Row) -> float:
    return ours.p99_ms_paced / other.p99_ms_paced


GOALS = (
    Goal("B1", "gzip", STATIC, "x cheaper, CPU per request", 0.65, _cpu, aim=1.0),
    Goal("B1", "gzip", ESI, "x cheaper, CPU per request", 15, _cpu),
    Goal("B1", "gzip", INCLUDES, "x cheaper, CPU per request", 15, _cpu),
    Goal("B1", "gzip", ESI, THROUGHPUT, 15, _throughput),
    Goal("B1", "gzip", INCLUDES, THROUGHPUT, 15, _throughput),
    Goal("B2", "identity", STATIC, "x cheaper, CPU per request", 0.7, _cpu),
    Goal("B2", "identity", ESI, "x cheaper, CPU per request", 6, _cpu),
    Goal("B2", "identity", INCLUDES, "x cheaper, CPU per request", 6, _cpu),
    Goal("B2", "identity", ESI, THROUGHPUT, 6, _throughput),
    Goal("B2", "identity", INCLUDES, THROUGHPUT, 6, _throughput),
    Goal("B2", "identity", STATIC, "p99 us over it, one connection", 100, _p99_over, is_most=True),
    Goal("B4", "miss", PASSING, "x cheaper, CPU per request", 0.5, _cpu, aim=0.8, servers=(STREAMED,)),
    Goal("B4", "miss", PASSING, "x its p99", 3, _p99_times, is_most=True, servers=(STREAMED,)),
)


def verdicts(rows: Sequence[Row], smallest: float) -> str:
    """The lines of the bars as Markdown; `smallest` is the mean size of these pages by gzip -6."""
    found = [*_verdicts(rows), *_sizes(rows, smallest)]
    head = ("| bar | | beside | what | measured | goal | |", "|---|---|---|---|---|---|---|")
    return "\n".join((*head, *sorted(found)))


def _verdicts(rows: Sequence[Row]) -> Iterator[str]:
    by_name = {(row.work, row.server): row for row in rows}
    for goal in GOALS:
        for server in goal.servers:
            ours, other = by_name.get((goal.work, server)), by_name.get((goal.work, goal.other))
            if ours is not None and other is not None and not _is_the_loaders(goal, ours, other):
                measured = goal.measured(ours, other)
                is_reached = ours.right and (measured <= goal.goal if goal.is_most else measured >= goal.goal)
                limit = f"at {'most' if goal.is_most else 'least'} {goal.goal:g}"
                limit += f", aim {goal.aim:g}" if goal.aim else ""
                yield _line(goal.bar, server, goal.other, goal.what, f"{measured:.2f}", limit, is_reached)


def _is_the_loaders(goal: Goal, *rows: Row) -> bool:
    return goal.what == THROUGHPUT and max(row.loader_share for row in rows) > LOADER_LIMIT


def _sizes(rows: Sequence[Row], smallest: float) -> Iterator[str]:
    for row in rows:
        if row.work == "gzip" and row.server in (OURS, QUIET):
            more = row.bytes / smallest
            yield _line("B1", row.server, "gzip -6", "x its bytes", f"{more:.3f}", "at most 1.05", more <= 1.05)


def _line(bar: str, server: str, other: str, what: str, measured: str, limit: str, is_reached: bool) -> str:
    return (
        f"| {bar} | {server} | {other} | {what} | {measured} | {limit} | {'reached' if is_reached else 'NOT reached'} |"
    )
