"""Whole pages beside their rivals: the same page, the same visitors, the same bytes, and what they cost.

    python -m loadtests.pages [--works gzip,identity,miss] [--rounds 4] [--seconds 1] [--json]

Servers run on core 0, the load (`wrk`) and the shop behind them on core 1. First every server's answers are compared
with what each visitor must get, alone and while 32 connections ask; what is refused or not answered then is counted
apart. Then the servers take turns, round by round; in each a server is measured thrice, for `--seconds` each: as fast
as 32 connections get answers, at a fixed rate that all can do, and on one connection.
Ratios are medians of the rounds' ratios, times on one connection the least of the rounds; `verdicts.py` says which bars
they reach. Exits 1 when an answer was wrong.

What costs a server is told as CPU per request, from the kernel's books: on a machine that others use too it is the
number to trust. nginx's page is a file made beforehand for one visitor, so it is not a rival but the limit.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gzip
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.behaviour import with_behaviour
from loadtests.contender import CHECKED, Contender, Expected
from loadtests.loader import LOADER_CORE, Requests, is_installed
from loadtests.rivals import nginx, varnish
from loadtests.rows import LEGEND, Row, row_of, table
from loadtests.stage import held_port, running
from loadtests.storefront import (
    NOBODY,
    RULES,
    SECRET,
    VISITORS,
    Shopper,
    Storefront,
    other_cookies,
    shoppers,
    storefront,
)
from loadtests.verdicts import ESI, INCLUDES, OURS, PASSING, QUIET, STATIC, verdicts
from proxy.visitors.visitor import MEMO_SIZE

RESULTS = Path(__file__).parent / "results"
OTHERS = 509  # a prime: no visitor meets the same other cookies twice in five million requests
NEW_VISITORS = MEMO_SIZE + 2_500  # whoever of them comes again is forgotten by then, and their signatures too
ACTIVE_VISITORS = 2_000
RATES = {"gzip": 2_000, "identity": 2_000, "miss": 400}
"""Requests a second at which CPU per request is told: the same for everybody who can do twice as many."""


# -- who takes part


@dataclass(frozen=True)
class Stage:
    """What all contenders share."""

    store: Storefront
    visitors: Sequence[Shopper]
    new_visitors: Sequence[Shopper]
    others: Sequence[bytes]
    folder: Path
    origin: str

    def requests(self, path: str, coding: str, visitors: Sequence[Shopper]) -> Requests:
        """Requests in a new folder of their own."""
        made = Requests(Path(tempfile.mkdtemp(dir=self.folder)) / "requests", path, coding, visitors, self.others)
        made.write()
        return made


@contextlib.contextmanager
def staged(rules: int = RULES, visitors: int = VISITORS) -> Iterator[Stage]:
    """The shop, its visitors and its rules."""
    store = storefront(rules)
    everybody = shoppers(visitors + NEW_VISITORS, now=time.time())
    with tempfile.TemporaryDirectory() as name, nginx.origin(store, Path(name), core=LOADER_CORE) as (origin, _):
        yield Stage(store, everybody[:visitors], everybody[visitors:], other_cookies(OTHERS), Path(name), origin)


@contextlib.contextmanager
def tailorbird(stage: Stage, **settings: str) -> Iterator[tuple[str, int]]:
    """`tailorbird serve` with the rule folder and an embedded store; its URL and process id."""
    place = Path(tempfile.mkdtemp(dir=stage.folder))
    for name, content in stage.store.files.items():
        (place / "rules" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "rules" / name).write_bytes(content)
    command = [
        sys.executable, "-m", "proxy", "serve", "--origin", stage.origin, "--rules", str(place / "rules"),
        "--store", f"sqlite:{place / 'store.db'}", "--admin-port", "0", "--port",
    ]  # fmt: skip
    environment = {
        "TAILORBIRD_SECRET": SECRET,
        **{f"TAILORBIRD_{key.upper()}": value for key, value in settings.items()},
    }
    with open(place / "log", "wb") as log, held_port() as port:
        url = f"http://127.0.0.1:{port}"
        with running([*command, str(port)], ready=url, environment=environment, log=log) as process:
            yield url, process.pid


@contextlib.contextmanager
def hits(stage: Stage, codings: Sequence[str]) -> Iterator[list[Contender]]:
    """Everybody with the page in memory, once for each coding."""
    first = stage.store.for_visitor(stage.visitors[0].variants)
    found: list[Contender] = []

    def add(name: str, url: str, pid: int, expected: Expected, checked: int) -> None:
        for coding in codings:
            requests = stage.requests("/", coding, stage.visitors)
            found.append(Contender(coding, name, url, pid, requests, expected, checked))

    def theirs(shopper: Shopper) -> bytes:
        return stage.store.for_visitor(shopper.variants)

    with contextlib.ExitStack() as stack:
        url, process = stack.enter_context(nginx.static(first, stage.folder))
        add(STATIC, url, process.pid, lambda shopper: first, 1)
        url, process = stack.enter_context(nginx.includes(stage.origin, stage.folder))
        add(INCLUDES, url, process.pid, theirs, CHECKED)
        if varnish.is_installed():
            url, process = stack.enter_context(varnish.varnish(stage.origin, stage.folder))
            add(ESI, url, process.pid, theirs, CHECKED)
        else:
            print(f"{ESI}: skipped, varnishd is not installed", file=sys.stderr)
        # What is measured is the warm hit: every visitor is met once by the check.
        for name, more in ((QUIET, {"capture": "false"}), (OURS, {"access_log": str(stage.folder / "access.log")})):
            url, pid = stack.enter_context(tailorbird(stage, **more))
            add(name, url, pid, theirs, len(stage.visitors))
        if "gzip" in codings:
            url, pid = stack.enter_context(tailorbird(stage, profile_memory="1000"))
            requests = stage.requests("/", "gzip", stage.new_visitors)
            found.append(Contender("gzip", f"{OURS}, each visitor new", url, pid, requests, theirs, 50, begun=50))
            requests, own = stage.requests("/", "gzip", [NOBODY]), stage.store.page()
            found.append(Contender("gzip", f"{OURS}, no cookie yet", url, pid, requests, lambda shopper: own, 50))
            asking = dataclasses.replace(stage.store, files=with_behaviour(stage.store.files))
            url, pid = stack.enter_context(tailorbird(dataclasses.replace(stage, store=asking)))
            requests = stage.requests("/", "gzip", stage.visitors[:ACTIVE_VISITORS])
            name = f"{OURS}, rules ask what visitors did"
            found.append(Contender("gzip", name, url, pid, requests, theirs, ACTIVE_VISITORS))
        yield found


@contextlib.contextmanager
def misses(stage: Stage) -> Iterator[list[Contender]]:
    """Everybody asking the shop each time."""
    plain = stage.store.page().replace(b"data-slot", b"data-place")

    def own(shopper: Shopper) -> bytes:
        return nginx.own_page(stage.store.for_visitor(shopper.variants), "".join(map(str, shopper.variants)).encode())

    cases: tuple[tuple[str, str, Expected], ...] = (
        ("page without slots", "/private/plain.html", lambda shopper: plain),
        ("page with slots", "/private/slots.html", lambda shopper: stage.store.for_visitor(shopper.variants)),
        ("page with slots, each another", "/private/own.html", own),
        ("no page, streamed", "/private/asset", lambda shopper: plain),
    )
    with nginx.passing(stage.origin, stage.folder) as (url, process), tailorbird(stage) as (our_url, our_pid):
        requests = stage.requests(cases[0][1], "gzip", stage.visitors)
        found = [Contender("miss", PASSING, url, process.pid, requests, cases[0][2])]
        for name, path, expected in cases:
            requests = stage.requests(path, "gzip", stage.visitors)
            found.append(Contender("miss", f"{OURS}, {name}", our_url, our_pid, requests, expected))
        yield found


# -- measuring


def measured(contenders: Sequence[Contender], *, rounds: int, seconds: int) -> list[Row]:
    """Checks everybody's answers, finds everybody's pace, then goes round."""
    for each in contenders:
        each.check()
    for work in {each.work for each in contenders}:
        set_pace([each for each in contenders if each.work == work])
    for each in contenders:
        each.strain(seconds)
    for _ in range(rounds):
        for each in contenders:
            each.round(seconds)
    return [row_of(each, [other for other in contenders if other.work == each.work]) for each in contenders]


def set_pace(contenders: Sequence[Contender]) -> None:
    """The work's rate; for who cannot do twice as many, half of what they can."""
    for each in contenders:
        each.rate = min(RATES[each.work], each.run(1).rate / 2)


# -- telling


def main() -> int:
    """Measures, prints, and writes `loadtests/results/pages.md`."""
    options = _options()
    missing = [name for name, is_there in (("nginx", nginx.is_installed()), ("wrk", is_installed())) if not is_there]
    if missing:
        print(f"not installed: {', '.join(missing)} (apt-get install nginx-light varnish wrk)", file=sys.stderr)
        return 2
    works = options.works.split(",")
    rows: list[Row] = []
    with staged(options.rules) as stage:
        codings = [work for work in works if work != "miss"]
        for part in (*([hits(stage, codings)] if codings else []), *([misses(stage)] if "miss" in works else [])):
            with part as contenders:
                rows += measured(contenders, rounds=options.rounds, seconds=options.seconds)
        smallest = statistics.mean(
            len(gzip.compress(stage.store.for_visitor(shopper.variants), 6)) for shopper in stage.visitors[:50]
        )
    told = f"{table(rows)}\n{LEGEND}\ngzip -6 of these pages is {smallest:,.0f} bytes. {_machine(options)}\n"
    told += f"\n## The bars\n\n{verdicts(rows, smallest)}\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "pages.md").write_text(told)
    print(json.dumps([dataclasses.asdict(row) for row in rows], indent=1) if options.json else told)
    return 0 if all(row.right for row in rows) else 1


def _machine(options: argparse.Namespace) -> str:
    busy = os.getloadavg()[0]
    return (
        f"{options.rules} rules, {options.rounds} rounds; {os.cpu_count()} cores, load average {busy:.1f} at the end."
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", default="gzip,identity,miss", help="which tables, by name")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=1, help="of each of the three runs in a server's round")
    parser.add_argument("--rules", type=int, default=RULES)
    parser.add_argument("--json", action="store_true", help="a list of rows instead of tables")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
