"""What was measured of each server, and the tables in which it is told."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loadtests.contender import Contender
from loadtests.verdicts import ESI, INCLUDES, OURS, PASSING, STATIC


@dataclass(frozen=True)
class Row:
    """What was measured of one server at one work. `times` are the ratios to the others: above 1 is cheaper."""

    work: str
    server: str
    right: bool
    lost: tuple[int, int]
    rate_full: float
    rate_paced: float
    cpu_us_full: float
    cpu_us_paced: float
    p99_ms_paced: float
    p50_us_alone: float
    p99_us_alone: float
    bytes: float
    loader_share: float
    times: Mapping[str, tuple[float, float]]


def row_of(one: Contender, others: Sequence[Contender]) -> Row:
    """The row, with ratios to those that did the same work. Each ratio is of CPU at the fixed rate, and of answers at
    the limit."""
    return Row(
        one.work,
        one.name,
        not one.wrong,
        one.lost,
        one.median(lambda each: each.full.rate),
        one.median(lambda each: each.paced.rate),
        one.median(lambda each: each.full.cpu_us),
        one.median(lambda each: each.paced.cpu_us),
        one.median(lambda each: each.paced.p99_us) / 1_000,
        min(each.alone.p50_us for each in one.rounds),
        min(each.alone.p99_us for each in one.rounds),
        one.body_bytes,
        max(each.full.loader_share for each in one.rounds),
        {other.name: _times(one, other) for other in others if other is not one and not other.name.startswith(OURS)},
    )


def _times(one: Contender, other: Contender) -> tuple[float, float]:
    pairs = list(zip(one.rounds, other.rounds, strict=True))
    return (
        statistics.median(theirs.paced.cpu_us / ours.paced.cpu_us for ours, theirs in pairs),
        statistics.median(ours.full.rate / theirs.full.rate for ours, theirs in pairs),
    )


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown, a table for each work."""
    return "\n\n".join(
        "\n".join(_table(work, [row for row in rows if row.work == work]))
        for work in dict.fromkeys(row.work for row in rows)
    )


def _table(work: str, rows: Sequence[Row]) -> Iterator[str]:
    others = [name for name in (STATIC, ESI, INCLUDES, PASSING) if any(name in row.times for row in rows)]
    yield f"## {TITLES[work]}\n"
    ratios = [f"x {name}" for name in others]
    yield f"| {' | '.join((*COLUMNS, *ratios, 'loader'))} |"
    yield "|---" * (len(COLUMNS) + len(ratios) + 1) + "|"
    for row in rows:
        cells = [
            row.server,
            _answers(row),
            f"{row.rate_full:,.0f}",
            f"{row.cpu_us_full:,.0f}",
            f"{row.rate_paced:,.0f}",
            f"{row.cpu_us_paced:,.0f}",
            f"{row.p99_ms_paced:.1f}",
            f"{row.p50_us_alone:,.0f}",
            f"{row.p99_us_alone:,.0f}",
            f"{row.bytes:,.0f}",
            *("{:.2f} / {:.2f}".format(*row.times[name]) if name in row.times else "" for name in others),
            f"{row.loader_share:.0%}",
        ]
        yield f"| {' | '.join(cells)} |"


def _answers(row: Row) -> str:
    refused, unanswered = row.lost
    lost = (f", {refused} refused" if refused else "") + (f", {unanswered} unanswered" if unanswered else "")
    return ("right" if row.right else "WRONG") + lost


COLUMNS = (
    "server", "answers", "requests/s", "CPU us", "at requests/s", "CPU us", "p99 ms", "alone p50 us", "alone p99 us",
    "bytes",
)  # fmt: skip
TITLES = {
    "gzip": "Warm hit, gzip",
    "identity": "Warm hit, uncompressed",
    "miss": "Not stored: each request to the shop and back",
}
LEGEND = """
The first two numbers are at the limit (32 connections), the next three at a fixed rate below it, then one connection:
of that the round with the least, since who else uses the machine only adds, and to one request in a hundred the most.
`x` is how many times cheaper than that server: CPU per request at the rate, then answers per second at the limit.
`loader` is the share of its core that the load took at most; near 100 % it measures itself."""
