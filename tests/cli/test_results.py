"""The results of rules and experiments, from a store; and the same from a warehouse, as the docs have it."""

from __future__ import annotations

import json
import math
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from proxy.bucketing import HOLDOUT, bucket
from proxy.cli import tailorbird
from proxy.conditions.localtime import iso_time
from proxy.model import Arrival, Event
from proxy.stores.joining import join
from tests.cli.desk import done

ROOT = Path(__file__).parents[2]
NOON = time.time() - 86_400
RULES = """version: 1
holdout: {name: Winter, share: 10%}
rules:
  - {name: Hero, slot: home.hero, holdout: 20%, show: {banner: {title: Hi}}}
experiments:
  - name: Bar
    slot: all.topbar
    goal: product added
    guardrails: [order completed, bounce]
    run for: at least 14 days
    variants: [{name: new, show: {banner: {title: Free}}}, {name: control, show: nothing new}]
"""


def visited(number: int) -> list[Arrival]:
    """A visitor of whom every second is in the arm `new`, where every second orders, and elsewhere every fourth."""
    name = f"visitor{number}"
    is_new, is_held = number % 2 == 0, bucket(HOLDOUT + "Winter", name) < 1_000
    shown = ("Bar",) if is_new and not is_held else ()
    details: dict[str, str | float | bool] = (
        {"held out all.topbar": "Bar"} if is_held else {"slot all.topbar": "Bar / new" if is_new else "Bar / control"}
    )
    view = Event(NOON, "page:1", "page viewed", "/", shown=shown)
    orders = [Event(NOON - 9, "shop:0", "order completed", value=100.0)]
    if number % 4 == 0 or number % 8 == 1:
        orders += [Event(NOON + 9, "order completed:one", "order completed", value=20.0)]
        orders += [Event(NOON + 10, "order refunded:one:part", "order refunded", value=4.0)] if number % 16 == 0 else []
        orders += [Event(NOON + 11, "shop:2", "order refunded", value=1.0)] if number % 16 == 0 else []
    if number == 12:  # called off, without an amount, and paid back as well
        orders += [Event(NOON + 10, "order cancelled:one", "order cancelled")]
        orders += [Event(NOON + 11, "order refunded:one:all", "order refunded", value=-20.0)]
    orders += [Event(NOON + 12, "order cancelled:older", "order cancelled", value=90.0)] if number % 8 < 2 else []
    return [
        Arrival(name, view, "page", NOON, details=details),
        *(Arrival(name, order, "shop", NOON) for order in orders),
    ]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:{tmp_path_factory.mktemp('results')}/store.db"
    done(url, lambda at: at.store.apply([one for number in range(400) for one in visited(number)]))
    return url


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "a.rules.yaml").write_text(RULES)
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}, all.topbar: {}}")
    return tmp_path


def run(url: str, rules: Path, *arguments: str) -> Result:
    return CliRunner().invoke(tailorbird, ["results", "--store", url, "--rules", str(rules), *arguments])


def told(url: str, rules: Path, *arguments: str) -> dict[str, Any]:
    result = run(url, rules, "--format", "json", *arguments)
    assert result.exit_code == 0, result.output
    return {one["rule"]: one for one in json.loads(result.output)}


def test_each_arm_is_set_beside_the_control(url: str, rules: Path) -> None:
    bar = told(url, rules, "--goal", "order completed")["Bar"]
    control, new, held_out = bar["rows"]
    assert [row["group"] for row in bar["rows"]] == ["control", "new", "held out"]
    assert control["visitors"] + new["visitors"] + held_out["visitors"] == 400
    assert control["lifts"] == {} and new["did"]["order completed"] > control["did"]["order completed"]
    lift = new["lifts"]["order completed"]
    share, there = (row["did"]["order completed"] / row["visitors"] for row in (new, control))
    assert lift["value"] == pytest.approx(share / there - 1) and 0 < lift["low"] < lift["value"] < lift["high"]
    assert 0 < control["paid"] < new["paid"] < 10  # the hundred from before does not count
    assert control["verdict"] is None and held_out["verdict"] is None
    assert bar["chance"] > 0.05 and bar["verdict"] == new["verdict"] == {
        "word": "too early", "text": "too early: it runs for 1 of at least 14 days",
    }  # fmt: skip


def test_of_one_rule_each_step_that_anybody_took_is_told(url: str, rules: Path) -> None:
    assert list(told(url, rules)["holdout: Winter"]["rows"][0]["did"]) == ["order completed"]
    bar = told(url, rules, "--rule", "Bar", "--goal", "product added")["Bar"]
    assert bar["counted"] == ["product added", "order completed"]  # nobody looked at a product
    winter = told(url, rules, "--rule", "holdout: Winter", "--goal", "product viewed")["holdout: Winter"]
    assert winter["counted"] == ["product viewed", "order completed"]


def test_a_holdout_of_the_shop_is_counted_by_the_draw(url: str, rules: Path) -> None:
    winter = told(url, rules)["holdout: Winter"]
    sizes = {row["group"]: row["visitors"] for row in winter["rows"]}
    out = sum(bucket(HOLDOUT + "Winter", f"visitor{number}") < 1_000 for number in range(400))
    assert sizes == {"held out": out, "shown": 400 - out} and winter["chance"] > 0.001 and winter["notes"] == []


def test_it_is_told_in_words(url: str, rules: Path) -> None:
    output = run(url, rules, "--rule", "Bar").output
    assert re.match(r"Bar, since \d{4}-\d\d-\d\d: too early: it runs for 1 of at least 14 days\n  control  ", output)
    assert "0 product added, 0.00%  too few to compare" in output
    assert re.search(r"\d order completed, \d\d\.\d\d%  \+\d+\.\d% \(\+\d+\.\d% to \+\d+\.\d%\)\n", output), output
    assert re.search(
        r"paid by each, 19\.\d\d by each who paid  \+\d\.\d\d \(-\d\.\d\d to \+\d+\.\d\d\), may be chance, "
        r"up to 20\.00 of each\n",
        output,
    ), output
    assert re.search(r"\n +\d+ of \d+ who ordered gave back, \d\d\.\d\d%", output), output
    assert "Winter" not in output


def test_groups_that_chance_does_not_make_are_reported(url: str, rules: Path) -> None:
    (rules / "a.rules.yaml").write_text(RULES.replace("name: new,", "name: new, share: 20%,").replace(
        "name: control,", "name: control, share: 80%,"))  # fmt: skip
    assert "do not trust this" in run(url, rules, "--rule", "Bar").output


def test_a_rule_that_is_gone_says_so(url: str, rules: Path) -> None:
    (rules / "a.rules.yaml").write_text("rules: []")
    assert told(url, rules)["Bar"]["notes"] == ["it is not in the rule folder any more"]


def test_a_rule_without_anything_to_compare_with_says_what_to_write(rules: Path, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/store.db"
    view = Event(NOON, "page:1", "page viewed", "/", shown=("Hero",))
    done(url, lambda at: at.store.apply([Arrival("v", view, "page", NOON, details={"slot home.hero": "Hero"})]))
    assert "give it `holdout: 5%`" in run(url, rules, "--rule", "Hero").output


def test_what_nobody_met_is_reported_with_what_somebody_did(url: str, rules: Path) -> None:
    result = run(url, rules, "--rule", "Baar")
    assert result.exit_code == 1 and 'did you mean "Bar"?' in result.output
    earlier = run(url, rules, "--until", "2020-01-01")
    assert earlier.output == "none of the 400 visitors in the log met a rule for the first time in that time\n"
    later = run(url, rules, "--rule", "Bar", "--since", f"{datetime.now():%Y-%m-%d}T23:59")
    assert later.exit_code == 1 and "nobody met `Bar` for the first time in that time" in later.output
    assert f"it was first met at {iso_time(NOON)}" in later.output


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_what_is_no_time_is_reported_with_how_one_is_written(option: str, url: str, rules: Path) -> None:
    result = run(url, rules, option, "25.11.2026")
    assert result.exit_code == 2 and "is not a time; write 2026-11-25, or 2026-11-25T08:00" in result.output
    assert run(url, rules, option, "2026-11-25T08:00+01:00").exit_code == 0


def test_it_is_told_in_parts_whose_intervals_hold_together(url: str, rules: Path) -> None:
    output = run(url, rules, "--rule", "Bar", "--goal", "order completed", "--by", "week").output
    assert re.match(
        r"Bar: order completed\n  week of \d{4}-\d\d-\d\d\n    control   +\d+ of \d+, \d\d\.\d\d%\n    new", output
    )
    assert "too early" not in output and "hold together" not in output, "of one part it is the whole"
    assert "  had bought\n    control" in run(url, rules, "--rule", "Bar", "--by", "past").output
    whole, (part, *none) = told(url, rules, "--rule", "Bar")["Bar"], json.loads(
        run(url, rules, "--rule", "Bar", "--by", "past", "--format", "json").output)  # fmt: skip
    assert not none and (part["rule"], part["part"]) == ("Bar", "had bought") and "verdict" not in part
    assert [row["visitors"] for row in part["rows"]] == [row["visitors"] for row in whole["rows"]]
    assert [row["lifts"] for row in part["rows"]] == [row["lifts"] for row in whole["rows"]]


def test_what_the_shop_told_of_visitors_parts_them_and_else_nothing_does(url: str, rules: Path) -> None:
    output = run(url, rules, "--rule", "Bar", "--by", "attribute: loyalty tier").output
    assert "  unknown\n    control" in output and "! it was told of nobody before they met this" in output
    assert "  not in it\n    control" in run(url, rules, "--rule", "Bar", "--by", "segment: VIP").output
    refused = run(url, rules, "--by", "mood")
    assert refused.exit_code == 2 and 'write week, past, device, campaign, or "attribute: NAME"' in refused.output


def of_the_docs(language: str) -> str:
    pattern = rf"^```{language}\n(.*?)^```$"
    (block,) = re.findall(pattern, (ROOT / "docs" / "results.md").read_text(), re.MULTILINE | re.DOTALL)
    return str(block)


def from_the_warehouse(
    url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, select: str = ""
) -> list[tuple[Any, ...]]:
    sql = of_the_docs("sql")
    sql = sql.rpartition("SELECT rule, part")[0] + select if select else sql
    listed = CliRunner().invoke(tailorbird, ["events", "list", "--store", url])
    (folder / "events.jsonl").write_text(listed.output + listed.output)  # loaded twice
    monkeypatch.chdir(folder)
    return duckdb.connect().execute(sql).fetchall()


def test_the_sql_of_the_docs_says_the_same_of_orders(
    url: str, rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [
        (
            "Bar",
            row["group"],
            row["visitors"],
            row["did"]["order completed"],
            row["returned"],
            pytest.approx(row["paid"]),
        )
        for row in told(url, rules, "--goal", "order completed")["Bar"]["rows"]
    ]
    assert from_the_warehouse(url, tmp_path, monkeypatch) == sorted(expected, key=lambda row: row[1])


def test_the_arithmetic_of_the_docs_gives_the_lifts_and_the_chance_that_are_told(
    url: str, rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand: dict[str, Any] = {}
    exec(of_the_docs("python"), by_hand)
    bar = told(url, rules, "--goal", "order completed")["Bar"]
    rows = {row["group"]: row for row in bar["rows"]}
    (did, visitors), (did_there, there) = (
        (rows[arm]["did"]["order completed"], rows[arm]["visitors"]) for arm in ("new", "control")
    )
    lifts = {
        kind: [lift[end] for end in ("value", "low", "high")] for kind, lift in rows["new"]["lifts"].items() if lift
    }
    assert by_hand["share_lift"](did, visitors, did_there, there) == pytest.approx(lifts["order completed"])
    paid: dict[str, list[float]] = {"new": [], "control": [], "held out": []}
    for part, amount in from_the_warehouse(url, tmp_path, monkeypatch, "SELECT part, paid FROM did WHERE rule = 'Bar'"):
        paid[part].append(amount)
    cap = bar["cap"] or math.inf
    assert by_hand["money_lift"](paid["new"], paid["control"], cap) == pytest.approx(lifts["paid"])
    assert by_hand["chance_of_the_split"]([visitors, there], [0.5, 0.5]) == pytest.approx(bar["chance"])


def test_a_person_with_two_devices_counts_once_for_what_the_first_of_them_met(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:{tmp_path}/store.db"
    phone, laptop = ([replace(arrival, visitor_id=name) for arrival in visited(number)]
                     for name, number in (("phone", 3), ("laptop", 4)))  # fmt: skip
    late = [replace(one, event=replace(one.event, at=one.event.at + 60, id=f"{one.event.id}b")) for one in laptop]
    done(
        url,
        lambda at: at.store.apply([*phone, *late]),
        lambda at: join(at.store, "phone", "anna", NOON + 90),
        lambda at: join(at.store, "laptop", "anna", NOON + 90),
    )
    bar = told(url, rules, "--goal", "order completed")["Bar"]
    (row,) = bar["rows"]
    assert (row["group"], row["visitors"], row["did"], row["paid"]) == ("control", 1, {"order completed": 1}, 120.0)
    assert bar["notes"] == ["1 met more than one of these, and count for the first"]
    assert from_the_warehouse(url, tmp_path, monkeypatch) == [("Bar", "control", 1, 1, 0, 120.0)]


def test_days_are_those_of_the_rules_time_zone(url: str, rules: Path) -> None:
    (rules / "a.rules.yaml").write_text(RULES.replace("version: 1\n", "version: 1\ntimezone: Pacific/Kiritimati\n"))
    there = datetime.fromtimestamp(NOON, ZoneInfo("Pacific/Kiritimati"))
    assert run(url, rules, "--rule", "Bar").output.startswith(f"Bar, since {there:%Y-%m-%d}: ")
    exactly, after = f"{there:%Y-%m-%dT%H:%M:%S}", f"{there + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}"
    assert "Bar, since" in run(url, rules, "--since", exactly, "--until", after).output
    assert "none of the 400 visitors" in run(url, rules, "--since", after).output
    assert "none of the 400 visitors" in run(url, rules, "--until", exactly).output
