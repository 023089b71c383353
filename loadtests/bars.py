"""`make bar BAR=A9`: one acceptance bar in its full form. Their short forms run with the tests.

A bar is a row of `BARS`: what it shows, and the commands that show it. `BAR_FULL=1` asks the tests for the full size.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PYTEST = ("-m", "pytest", "-s", "-v")
LOAD = ("-m", "loadtests.load", "--rounds", "3", "--walk", "home", "--share", "0.3", "--coding", "identity")
PAGES = ("-m", "loadtests.pages")


class Bar(NamedTuple):
    """An acceptance bar."""

    name: str
    shows: str
    command: tuple[str, ...]


BARS = (
    Bar("A1", "the demo runs, and the four visitors see four homes", (*PYTEST, "tests/bars/test_a1_demo.py")),
    Bar("A2", "one fetch serves 200 visitors, each their own", (*PYTEST, "tests/bars/test_a2_shared_page.py")),
    Bar("A3", "nothing moves in the browser", (*PYTEST, "tests/browser/test_layout_shift.py")),
    Bar("A4", "the decision core beside its rivals", ("-m", "loadtests.decide")),
    Bar("A5", "personalised beside passed through, by Locust", LOAD),
    Bar("A6", "the profile store stalls", (*PYTEST, "tests/bars/test_a6_store_stalled.py")),
    Bar("A7", "eight mistakes found at once", (*PYTEST, "tests/bars/test_a7_check.py")),
    Bar("A8", "200 broken folders over a live one", (*PYTEST, "tests/bars/test_a8_broken_folders.py")),
    Bar("A9", "1,000 visitors, each their own marker", (*PYTEST, "tests/bars/test_a9_isolation.py")),
    Bar("A10", "200 MB up and down", (*PYTEST, "tests/bars/test_a10_streaming.py")),
    Bar("A11", "banners survive hydration", (*PYTEST, "tests/browser/test_hydration.py")),
    Bar("B1", "warm pages in gzip beside nginx and Varnish", (*PAGES, "--works", "gzip")),
    Bar("B2", "the same uncompressed", (*PAGES, "--works", "identity")),
    Bar("B3", "cost against slots and rules; a private page", ("-m", "loadtests.growth")),
    Bar("B4", "what is not stored, beside nginx proxy_pass", (*PAGES, "--works", "miss")),
    Bar("B6", "requests that two servers might read differently", (*PYTEST, "tests/bars/test_b6_smuggling.py")),
    Bar("B7", "200 visitors' tokens, each shown to its own only", (*PYTEST, "tests/bars/test_b7_canaries.py")),
    Bar("B8", "clients that leave at any moment", (*PYTEST, "tests/bars/test_b8_aborts.py")),
    Bar("B9", "slow and hostile clients and origins", (*PYTEST, "tests/bars/test_b9_hostile_clients.py")),
    Bar("B10", "stopped, restarted and killed under load", (*PYTEST, "tests/bars/test_b10_restarts.py")),
    Bar("B11", "many addresses, a small cache", (*PYTEST, "tests/bars/test_b11_memory.py")),
    Bar("B12", "the origin, then the store, down for a minute", (*PYTEST, "tests/bars/test_b12_outage.py")),
    Bar("F12", "the disk is full", (*PYTEST, "tests/bars/test_f12_disk_full.py")),
    Bar(
        "P3",
        "a server that has learned answers as one that has not",
        (*PYTEST, "tests/fuzz/test_lane.py", "tests/fuzz/test_answers.py", "tests/fuzz/test_happenings.py"),
    ),
    Bar("L1", "three times what an origin can answer", (*PYTEST, "tests/bars/test_l1_overload.py")),
    Bar("C1", "the autumn campaign as given", (*PYTEST, "tests/bars/test_c1_autumn.py")),
    Bar("C2", "slips are told and mended; random changes never raise", (*PYTEST, "tests/bars/test_c2_slips.py")),
    Bar("C3", "dead rules are found, and no live one accused", (*PYTEST, "tests/bars/test_c3_dead_rules.py")),
    Bar("C4", "plan, naive interpreter and why agree", (*PYTEST, "tests/bars/test_c4_interpreter.py")),
    Bar("C5", "the whole language beside plain rules", ("-m", "loadtests.language")),
    Bar("C6", "even buckets, and arms that stay", (*PYTEST, "tests/bars/test_c6_buckets.py")),
    Bar("B13", "a shop like stock Django, its forms' tokens", (*PYTEST, "tests/bars/test_b13_masked_tokens.py")),
    Bar("C7", "20,000 recorded views, decided again", (*PYTEST, "tests/bars/test_c7_replay.py")),
    Bar("C8", "publish and roll back under load", (*PYTEST, "tests/bars/test_c8_publish.py")),
    Bar("C9", "experiments looked at every day", (*PYTEST, "tests/bars/test_c9_daily_looks.py")),
    Bar("D1", "published SDKs, unchanged: each event once", (*PYTEST, "tests/bars/test_d1_sdks.py")),
    Bar("D2", "events sent again and again count once", (*PYTEST, "tests/bars/test_d2_exactly_once.py")),
    Bar("D3", "no acknowledged event is lost", (*PYTEST, "tests/bars/test_d3_durable.py")),
    Bar("D4", "a segment holds on the next request", (*PYTEST, "tests/bars/test_d4_next_request.py")),
    Bar("D5", "what asking for the profile costs", (*PYTEST, "tests/bars/test_d5_profile_cost.py")),
    Bar(
        "D9",
        "a cluster loses a master under load; what stores promise, on a cluster too",
        (*PYTEST, "tests/bars/test_d9_cluster.py", "tests/contracts"),
    ),
    Bar("D6", "events beside a bare sqlite3 loop", ("-m", "loadtests.events")),
    Bar("D7", "a real order history, graded as SQL does", (*PYTEST, "tests/bars/test_d7_import.py")),
    Bar("D8", "erased, and nothing brings them back", (*PYTEST, "tests/bars/test_d8_erase.py")),
    Bar("D10", "a million visitors, found and sized", (*PYTEST, "tests/bars/test_d10_million.py")),
    Bar("E1", "baskets: what goes with a cart", (*PYTEST, "tests/bars/test_e1_baskets.py")),
    Bar("E3", "a row of products that follows every click", (*PYTEST, "tests/bars/test_e3_row.py")),
    Bar(
        "E4",
        "a listing in each visitor's order",
        (*PYTEST, "tests/bars/test_e4_listing.py", "tests/browser/test_listing.py"),
    ),
    Bar("E5", "from an order to the next request", (*PYTEST, "tests/bars/test_e5_next_request.py")),
    Bar("E6", "affinity of a million products in batch", ("-m", "loadtests.batch")),
    Bar("E7", "a catalogue of hostile names, in Chromium", (*PYTEST, "tests/browser/test_hostile_names.py")),
    Bar("E8", "feeds with planted faults", (*PYTEST, "tests/bars/test_e8_feeds.py")),
    Bar("E9", "48 and 1,000 products ranked for a search service", (*PYTEST, "tests/bars/test_e9_rank.py")),
    Bar("E2", "visits: the next product, on a published split", (*PYTEST, "tests/bars/test_e2_visits.py")),
)  # fmt: skip


def main() -> None:
    """Runs the bar named, or lists them."""
    wanted = {name.upper() for name in sys.argv[1:]}
    chosen = [bar for bar in BARS if bar.name in wanted]
    if not chosen:
        print("\n".join(f"{bar.name:4} {bar.shows}" for bar in BARS))
        sys.exit(2)
    results = [run(bar) for bar in chosen]
    sys.exit(max(results))


def run(bar: Bar) -> int:
    """Runs one bar; its exit code."""
    print(f"{bar.name}: {bar.shows}", flush=True)
    return subprocess.run(
        [sys.executable, *bar.command], cwd=ROOT, env={**os.environ, "BAR_FULL": "1"}, check=False
    ).returncode


if __name__ == "__main__":
    main()
