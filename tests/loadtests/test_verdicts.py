from __future__ import annotations

from loadtests.rows import Row
from loadtests.verdicts import ESI, OURS, PASSING, STATIC, STREAMED, verdicts


def row(
    work: str,
    server: str,
    *,
    right: bool = True,
    p99: float = 1.0,
    size: float = 100,
    loader: float = 0.5,
    **times: float,
) -> Row:
    names = {"static": STATIC, "esi": ESI, "passing": PASSING}
    ratios = {names[name]: (ratio, ratio) for name, ratio in times.items()}
    return Row(work, server, right, (0, 0), 1, 1, 1, 1, p99, 50, 60, size, loader, ratios)


def test_each_line_of_a_bar_is_reached_or_not() -> None:
    rows = [
        row("gzip", OURS, static=0.7, esi=14.9, size=104),
        row("gzip", STATIC),
        row("gzip", ESI),
        row("miss", STREAMED, passing=0.49, p99=2.9),
        row("miss", PASSING),
    ]
    lines = [line.split(" | ") for line in verdicts(rows, smallest=100).splitlines()[2:]]
    told = {(line[0].strip("| "), line[2], line[3]): (line[4], line[-1].strip("| ")) for line in lines}
    assert told == {
        ("B1", STATIC, "x cheaper, CPU per request"): ("0.70", "reached"),
        ("B1", ESI, "x cheaper, CPU per request"): ("14.90", "NOT reached"),
        ("B1", ESI, "x its answers per second"): ("14.90", "NOT reached"),
        ("B1", "gzip -6", "x its bytes"): ("1.040", "reached"),
        ("B4", PASSING, "x cheaper, CPU per request"): ("0.49", "NOT reached"),
        ("B4", PASSING, "x its p99"): ("2.90", "reached"),
    }


def test_nothing_is_reached_by_wrong_answers() -> None:
    rows = [row("identity", OURS, right=False, static=2.0), row("identity", STATIC)]
    assert " reached" not in verdicts(rows, smallest=100).replace("NOT reached", "")


def test_no_verdict_on_throughput_when_the_loader_was_the_limit() -> None:
    rows = [row("gzip", OURS, loader=0.99, esi=20.0), row("gzip", ESI)]
    told = verdicts(rows, smallest=100)
    assert "CPU per request" in told and "answers per second" not in told
