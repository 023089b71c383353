"""What visitors are told apart by in results."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from math import sqrt

import pytest

from proxy.audience.lifts import DAY
from proxy.audience.parts import (
    BY,
    MOST_PARTS,
    campaign_of,
    device_of,
    is_by,
    most_parts,
    notes_on,
    part_of,
    parts_of,
    past_of,
    week_of,
)
from proxy.audience.report import reports
from proxy.audience.results import ORDER, Comparison, Results, Tally
from proxy.audience.verdicts import ReportOptions
from proxy.model import Arm, Arrival, Event, Experiment, Rule

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()


def test_a_week_begins_on_the_monday_of_the_time_zone() -> None:
    sunday = datetime(2026, 11, 22, 23, 30, tzinfo=UTC).timestamp()
    assert (week_of(sunday, [], "UTC"), week_of(sunday, [], "Europe/Amsterdam")) == (
        "week of 2026-11-16",
        "week of 2026-11-23",
    )


@pytest.mark.parametrize(
    ("before", "part"),
    [
        ([], "new"),
        ([(-60, "page viewed")], "new"),
        ([(-7_200, "page viewed")], "had come"),
        ([(-7_200, "order completed")], "had bought"),
        ([(9, "order completed")], "new"),
    ],
)
def test_what_was_done_before_they_met_it_parts_visitors(before: list[tuple[float, str]], part: str) -> None:
    events = sorted(Event(NOON + at, f"e{at}", kind) for at, kind in [*before, (0.0, "page viewed")])
    assert past_of(NOON, [Arrival("v", event) for event in events], "UTC") == part
    assert set(BY) == {"week", "past", "device", "campaign"} and part_of("", "UTC") is None


@pytest.mark.parametrize(
    ("seen_on", "part"),
    [
        ([(0, "phone")], "phone"),
        ([(-60, "phone"), (0, "desktop"), (9, "tablet")], "desktop"),
        ([(-60, "phone"), (0, "")], "phone"),
        ([(0, ""), (9, "tablet")], "unknown"),
        ([(0, "a fridge")], "unknown"),
    ],
)
def test_the_device_is_the_one_they_met_it_on_or_were_seen_on_before(
    seen_on: list[tuple[float, str]], part: str
) -> None:
    log = [
        Arrival("v", Event(NOON + at, f"e{at}", "page viewed"), details={"device": device} if device else {})
        for at, device in seen_on
    ]
    assert device_of(NOON, log, "UTC") == part


def told(at: float, kind: str = "identified", subject: str = "", **traits: str | float | bool | list[str]) -> Arrival:
    return Arrival("v", Event(NOON + at, f"{kind} {at}", kind, subject), traits=traits)


@pytest.mark.parametrize(
    ("log", "part"),
    [
        ([told(-9, tier="gold"), told(-5, age=3.0), told(0, "page viewed"), told(9, tier="grey")], "gold"),
        ([told(-9, tier="grey"), told(0, tier="gold")], "gold"),
        ([told(-9, tier=2.0)], "2"),
        ([told(-9, tier=True)], "yes"),
        ([told(-9, tier=["a", "b"])], "a, b"),
        ([told(-9, tier="x" * 500)], "x" * 60),
        ([told(-9, tier="")], "unknown"),
        ([told(9, tier="gold")], "unknown"),
    ],
)
def test_an_attribute_parts_visitors_by_what_had_been_told_when_they_met_it(log: list[Arrival], part: str) -> None:
    by = part_of("attribute: Tier", "UTC")
    assert by and by(NOON, log) == part


def imported(at: float, *segments: str) -> Arrival:
    return Arrival("v", Event(NOON + at, f"import {at}", "profile imported"), segments=segments)


@pytest.mark.parametrize(
    ("log", "part"),
    [
        ([imported(-9, "VIP", "Sale")], "in it"),
        ([imported(-9, "VIP"), imported(-5, "Sale")], "not in it"),
        ([imported(-9, "Sale"), told(-5, "segment entered", "Vip")], "in it"),
        ([told(-9, "segment entered", "VIP"), told(-5, "segment left", "VIP")], "not in it"),
        ([imported(9, "VIP"), told(9, "segment entered", "VIP")], "not in it"),
    ],
)
def test_a_segment_parts_visitors_by_whether_they_were_told_to_be_in_it_when_they_met_it(
    log: list[Arrival], part: str
) -> None:
    by = part_of("segment: VIP", "UTC")
    assert by and by(NOON, log) == part


def test_the_campaign_is_the_one_they_came_by_last() -> None:
    def view(at: float, kind: str = "page viewed", **details: str | float | bool) -> Arrival:
        return Arrival("v", Event(NOON + at, f"e{at}", kind), details=details)

    log = [view(-9, campaign="spring"), view(-5, "custom event", campaign="own"), view(0), view(9, campaign="late")]
    assert (campaign_of(NOON, log, "UTC"), campaign_of(NOON, log[1:], "UTC")) == ("spring", "none")


@pytest.mark.parametrize("by", ["mood", "attribute", "attribute: ", "segment:VIP", "segment: " + "x" * 65])
def test_by_what_else_visitors_cannot_be_parted(by: str) -> None:
    assert not is_by(by) and all(map(is_by, [*BY, "attribute: tier", "segment: VIP"]))


def test_of_many_parts_the_largest_are_told_with_that_and_of_weeks_all() -> None:
    results = Results(part_of=part_of("attribute: id", "UTC"), most_parts=most_parts("attribute: id"))
    for number in range(600):
        view = Arrival("v", Event(NOON, "p", "page viewed"), details={"slot top": "Bar / new"})
        results.add([told(-9, id=f"{number if number % 3 else number % 4}"), view], f"v{number}")
    results.sum_up()
    parts = results.parts["Bar"]
    assert len(parts) == MOST_PARTS == 12 and {"0", "1", "2", "3"} <= set(parts)
    assert sorted(one.visitors for one in parts.values())[-4:] == [50, 50, 51, 51]
    rule = Rule("Bar", "top", experiment=Experiment((Arm("new", 10_000),)))
    notes = list(notes_on(parts_of("Bar", parts, [rule], (), ReportOptions(NOON))))
    assert "of more parts only the 12 largest are told" in notes
    assert most_parts("week") > 500


def test_that_nothing_was_told_of_anybody_is_noted() -> None:
    assert parted(unknown=(900, 990)) == ["it was told of nobody before they met this"]


def test_parts_add_up_to_the_whole() -> None:
    results = Results(part_of=part_of("week", "UTC"))
    for number in range(30):
        at = NOON + number * 86_400
        view = Event(at, "page:1", "page viewed", "/")
        details: dict[str, str | float | bool] = {"slot top": "Bar / new" if number % 2 else "Bar / control"}
        order = Event(at + 9, "order completed:1", "order completed", value=float(number))
        results.add([Arrival("v", view, "page", at, details=details), Arrival("v", order, "shop", at)], f"v{number}")
    results.sum_up()
    parts, whole = results.parts["Bar"], results.comparisons["Bar"]
    assert list(parts) == [f"week of 2026-{day}" for day in ("11-23", "11-30", "12-07", "12-14", "12-21")]
    for group, tally in whole.groups.items():
        each = [part.groups[group] for part in parts.values()]
        assert sum(one.visitors for one in each) == tally.visitors == 15
        assert sum(one.money.total for one in each) == tally.money.total


def parted(**parts: tuple[int, int]) -> list[str]:
    """What is noted of parts, in each of which so many of 9,000 ordered of the control and of the new arm."""
    rule = Rule("Bar", "top", experiment=Experiment((Arm("control", 5_000), Arm("new", 5_000))))
    of = {
        part: Comparison({arm: Tally(9_000, {ORDER: did}) for arm, did in zip(("control", "new"), each, strict=True)})
        for part, each in parts.items()
    }
    for one in of.values():
        one.began = NOON - 20 * DAY
        one.sum_up()
    return list(notes_on(parts_of("Bar", of, [rule], (), ReportOptions(NOON))))


def test_a_part_that_stands_out_is_set_beside_the_others_before_it_is_believed() -> None:
    alike, together = parted(desktop=(900, 990), phone=(900, 1_100))  # sure, and may be chance: that is no difference
    assert alike == "no part is known to differ from the others: go by all of them together"
    assert together.startswith("the intervals of all 2 parts hold together")
    unlike, _ = parted(desktop=(900, 700), phone=(900, 1_150))
    assert unlike.startswith('new does better in "phone" than elsewhere, by '), "where it does worse is the same news"
    worse, *_ = parted(desktop=(900, 500), phone=(900, 900), tablet=(900, 900))
    assert worse.startswith('new does worse in "desktop" than elsewhere, by ')
    assert parted(phone=(900, 1_150)) == [], "one part is the whole"


def test_of_a_part_of_its_time_the_only_part_of_visitors_is_as_sure_as_all_of_them_and_two_are_less() -> None:
    results = Results(since=NOON + 30 * DAY, part_of=part_of("past", "UTC"))
    for number in range(4_000):
        at = NOON + number % 60 * DAY
        details: dict[str, str | float | bool] = {"slot top": "Bar / new" if number % 2 else "Bar / control"}
        log = [Arrival("v", Event(at, "page:1", "page viewed", "/"), "page", at, details=details)]
        log += [Arrival("v", Event(at + 9, f"{ORDER}:1", ORDER), "shop", at)] if number % 7 == 0 else []
        results.add(log, f"v{number}")
    results.sum_up()
    rule = Rule("Bar", "top", experiment=Experiment((Arm("control", 5_000), Arm("new", 5_000))))
    asked = [rule], (), ReportOptions(NOON + 60 * DAY)
    (whole,) = reports(results.comparisons, *asked)
    (part,) = parts_of("Bar", results.parts["Bar"], *asked)
    assert part.part == "new" and part.report.rows[1].lifts[ORDER] == whole.rows[1].lifts[ORDER] is not None
    two = parts_of("Bar", {"a": results.parts["Bar"]["new"], "b": results.parts["Bar"]["new"]}, *asked)
    wide, narrow = (one.rows[1].lifts[ORDER] for one in (two[0].report, whole))
    assert wide and narrow and wide.low < narrow.low < narrow.high < wide.high
    assert parts_of("Bar", {}, *asked) == []


def test_looked_at_every_day_parts_without_a_difference_seldom_look_unlike_and_those_with_one_are_found() -> None:
    chance = random.Random(7)
    rule = Rule("Bar", "top", experiment=Experiment((Arm("control", 5_000), Arm("new", 5_000))))

    def ever_unlike(desktops: float) -> bool:
        of = {part: {arm: Tally() for arm in ("control", "new")} for part in ("phone", "desktop")}
        for day in range(30):
            for part, arms in of.items():
                for arm, tally in arms.items():
                    rate = 0.06 * (desktops if (part, arm) == ("desktop", "new") else 1.0)
                    ordered = chance.gauss(300 * rate, sqrt(300 * rate * (1 - rate)))
                    tally.visitors, tally.converted[ORDER] = (day + 1) * 300, tally.converted[ORDER] + round(ordered)
            parts = {part: Comparison(dict(arms), began=NOON) for part, arms in of.items()}
            told = parts_of("Bar", parts, [rule], (), ReportOptions(NOON + (day + 1) * DAY))
            if any(lift.is_sure for one in told for lift in one.beside_others.values()):
                return True
        return False

    assert sum(ever_unlike(1.0) for _ in range(100)) <= 5
    assert all(ever_unlike(1.6) for _ in range(10))


def test_programs_get_how_a_part_compares_with_the_others() -> None:
    rule = Rule("Bar", "top", experiment=Experiment((Arm("control", 5_000), Arm("new", 5_000))))
    of = {
        "phone": Comparison({"control": Tally(900, {ORDER: 100}), "new": Tally(900, {ORDER: 150})}, began=NOON - DAY),
        "tablet": Comparison({"control": Tally(900, {ORDER: 100}), "new": Tally(900, {ORDER: 100})}, began=NOON - DAY),
    }
    phone, tablet = (part.as_json() for part in parts_of("Bar", of, [rule], (), ReportOptions(NOON)))
    beside, there = (part["beside_others"]["new"] for part in (phone, tablet))  # type: ignore[index]
    assert (phone["rule"], phone["part"]) == ("Bar", "phone") and "verdict" not in phone
    assert beside["value"] == pytest.approx(0.5) and there["value"] == pytest.approx(-1 / 3)
    assert beside["low"] < 0 < beside["high"]
