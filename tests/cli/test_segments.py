"""Segments of a folder, in a store."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import tailorbird
from proxy.model import Arrival, Event, Item
from proxy.rulebook.compile import load
from proxy.stores.joining import join
from tests.cli.desk import done

RULES = """
segments:
  Buyers: {when: {orders: at least 1}}
  Recent buyers: {when: {segment: Buyers, days since last order: at most 30}}
  Nobody: {when: {orders: at least 99}}
rules: []
"""


def history(number: int) -> list[Arrival]:
    """Every fifth visitor bought trail shoes, half of those lately; all others looked at hats."""
    now, visitor, is_buyer = time.time(), f"v{number}", number % 5 == 0
    items = (Item("S", "shoes") if is_buyer else Item("H", "hats"),)
    look = Event(now - 50 * 86_400, "1", "product viewed", items=items)
    bought = Event(now - (10 if number % 10 == 0 else 90) * 86_400, "2", "order completed", items=items, value=50)
    return [Arrival(visitor, event) for event in (look, bought)[: 1 + is_buyer]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "a.rules.yaml").write_text(RULES, encoding="utf-8")
    url = f"sqlite:{folder}/s.db"
    arrivals = [arrival for number in range(200) for arrival in history(number)]
    done(url, lambda at: at.store.apply(arrivals), lambda at: join(at.store, "v1", "v5", time.time()))
    return [str(folder), "--store", url]


def run(shop: list[str], *arguments: str) -> Result:
    return CliRunner().invoke(tailorbird, ["segments", *shop, *arguments])


def test_one_visitor_is_no_visitors(tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text(RULES, encoding="utf-8")
    done(f"sqlite:{tmp_path}/s.db", lambda at: at.store.apply(history(1)))
    assert run([str(tmp_path), "--store", f"sqlite:{tmp_path}/s.db"]).output.splitlines()[0] == "1 visitor"


def test_sizes_shares_overlaps_and_what_sets_members_apart(shop: list[str]) -> None:
    told = json.loads(run(shop, "--format", "json").output)
    assert (told["visitors"], told["looked_at"]) == (199, 199), "a device is no visitor of its own"
    by_name = {one["name"]: one for one in told["segments"]}
    assert [by_name[name]["members"] for name in ("Buyers", "Recent buyers", "Nobody")] == [40, 20, 0]
    assert "favourite category: shoes" in [one["feature"] for one in by_name["Buyers"]["drivers"]]
    features = [one["feature"] for one in by_name["Buyers"]["drivers"]]
    assert not any(feature.startswith("orders:") for feature in features), "that is what they are"
    assert told["overlaps"] == [{"one": "Buyers", "other": "Recent buyers", "both": 20, "part": 0.5}]


def test_the_same_as_text(shop: list[str]) -> None:
    text = run(shop).output
    assert text.startswith("199 visitors\n  Buyers: 40, 20.1%\n      ")
    assert "  Buyers and Recent buyers: 20 in both, 50% of those in either" in text


def test_each_stage_of_the_journey_is_counted_from_the_first(shop: list[str], tmp_path: Path) -> None:
    journey = "journey: {awareness: everyone, interest: {viewed: {product: any}}, purchase: {orders: at least 1}}\n"
    (tmp_path / "a.rules.yaml").write_text(journey + RULES, encoding="utf-8")
    here = [str(tmp_path), *shop[1:]]
    told = json.loads(run(here, "--format", "json").output)["stages"]
    assert [(one["name"], one["members"]) for one in told] == [
        ("journey stage: awareness", 0), ("journey stage: interest", 159), ("journey stage: purchase", 40)
    ]  # fmt: skip
    assert "\n  journey stage: purchase: 40, 20.1%" in run(here).output
    drawn = json.loads(run(here, "--estimate", "--format", "json").output)["stages"]
    assert [one["share"] for one in drawn] == [one["share"] for one in told]


def test_an_estimate_has_an_interval_and_needs_no_look_at_everybody(shop: list[str]) -> None:
    assert run(shop, "--estimate").exit_code == 0


def test_who_is_like_members_is_reported_with_reasons(shop: list[str]) -> None:
    text = run(shop, "--like", "Recent buyers", "--most", "2").output
    assert text.startswith("most like Recent buyers, of those looked at\n  v")
    assert "nobody is like its members" in run(shop, "--like", "Nobody").output
    assert "favourite category: shoes" in text
    assert "there is no segment `Recent`" in run(shop, "--like", "Recent").output


def test_segments_suggest_themselves_as_a_rule_file_has_them(shop: list[str]) -> None:
    text = run(shop, "--suggest").output
    assert "of the 199 visitors looked at are in one of 3 groups" in text
    assert "  favourite category hats:\n    when:\n      favourite category: hats\n" in text
    assert "# these lines find 100% of it, and 100% of whom they find are of it" in text
    assert load({"a.rules.yaml": f"segments:\n{text}rules: []".encode()}).findings == []
    told = json.loads(run(shop, "--suggest", "--format", "json").output)
    assert sorted(one["members"] for one in told["suggestions"]) == [20, 20, 159]
    assert all(one["stability"] == 1 for one in told["suggestions"])


def test_grades_are_printed_as_a_rule_file_has_them(shop: list[str]) -> None:
    text = run(shop, "--rfm").output
    assert text.splitlines()[0] == "rfm:"
    assert "." not in text.splitlines()[1], "days are whole"
    assert load({"a.rules.yaml": f"{text}rules: []".encode()}).findings == []


def test_a_folder_with_problems_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text("rulez: []", encoding="utf-8")
    told = CliRunner().invoke(tailorbird, ["segments", str(tmp_path), "--store", f"sqlite:{tmp_path}/s.db"])
    assert told.exit_code == 1
