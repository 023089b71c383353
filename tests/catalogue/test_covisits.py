from __future__ import annotations

import random

import pytest

from proxy.catalogue.covisits import DAY, Covisits

VISITS = [[random.Random(7).choice("abcdefgh") for _ in range(5)] for _ in range(3)] + [list("abc"), list("abd")]


def test_click_by_click_gives_the_same_table_as_whole_visits() -> None:
    whole, clicked = Covisits(), Covisits()
    for number, visit in enumerate(VISITS):
        whole.add_visit(visit, number * DAY, number)
        for position, product in enumerate(visit):
            clicked.row("a")  # answers in between change nothing
            clicked.add_click(product, visit[:position], number * DAY, number)
    for product in "abcdefgh":
        assert whole.row(product) == clicked.row(product)
        assert (whole.clicks(product), whole.recent_clicks(product)) == (
            clicked.clicks(product),
            clicked.recent_clicks(product),
        )


def test_both_ways_are_counted_and_the_nearer_counts_more() -> None:
    table = Covisits()
    table.add_visit(["shoe", "sock", "tent"], 0.0, 1)
    assert table.row("shoe").products == ("sock", "tent")
    assert table.row("tent").products == ("sock", "shoe")
    assert table.row("nobody's").products == ()


def test_a_later_visit_counts_more_than_an_old_one() -> None:
    table = Covisits(memory=100 * DAY)
    table.add_visit(["shoe", "old"], 0.0, 1)
    table.add_visit(["shoe", "new"], 90 * DAY, 2)
    products, values, *_ = table.row("shoe")
    assert products == ("new", "old")
    assert values[0] / values[1] == pytest.approx(2.718281828 ** (90 / 100), rel=1e-6)


def test_years_of_visits_do_not_outgrow_a_float() -> None:
    table = Covisits(memory=DAY)
    for day in range(0, 2_000, 10):
        table.add_visit(["shoe", "sock"], day * DAY, day)
    products, values, *_ = table.row("shoe")
    assert products == ("sock",) and 0 < values[0] < 1


def test_what_everybody_looks_at_weighs_less() -> None:
    table = Covisits()
    for number in range(20):
        table.add_visit(["bestseller", f"other {number}"], 0.0, number)
    table.add_visit(["shoe", "bestseller"], 0.0, 21)
    table.add_visit(["shoe", "lace"], 0.0, 22)
    assert table.row("shoe").products == ("lace", "bestseller")


def test_a_row_is_worked_out_again_when_its_clicks_change() -> None:
    table = Covisits()
    table.add_visit(["shoe", "sock"], 0.0, 1)
    assert table.row("shoe").products == ("sock",)
    for number in range(3):
        table.add_visit(["shoe", "lace"], 0.0, 2 + number)
    assert table.row("shoe").products == ("lace", "sock")


def test_a_row_of_what_many_looked_at_waits_for_an_eighth_more() -> None:
    table = Covisits()
    for number in range(40):
        table.add_visit(["shoe", "sock"], 0.0, number)
    row = table.row("shoe")
    table.add_visit(["shoe", "lace"], 0.0, 40)
    assert table.row("shoe") is row
    assert "shoe" in table.row("lace").products
    for number in range(6):
        table.add_visit(["shoe", "lace"], 0.0, 41 + number)
    assert "lace" in table.row("shoe").products
    row = table.row("shoe")
    table.add_visit(["shoe", "tent"], DAY, 50)  # long after
    assert "tent" in table.row("shoe").products


def test_rows_are_worked_out_ahead_a_few_at_a_time() -> None:
    ahead, asked = Covisits(), Covisits()
    for table in (ahead, asked):
        for number, visit in enumerate(VISITS):
            table.add_visit(visit, number * DAY, number)
    assert ahead.refresh(2)
    assert not ahead.refresh(100)
    assert set(ahead._rows) == set(ahead._cells)
    for product in "abcdefgh":
        assert ahead.row(product) == asked.row(product)
    ahead.add_visit(["a", "h"], 9 * DAY, 9)
    assert ahead.refresh(1)


def test_memory_is_bounded_by_the_number_of_products() -> None:
    table = Covisits()
    for number in range(1_000):
        table.add_visit(["hub", f"{number}"], float(number), number)
    assert len(table._cells["hub"]) <= 200
    assert table.visits_with(["hub", "999"]) == 1


def test_lately_fades_and_trends_tell_new_from_old_love() -> None:
    table = Covisits(trend=7 * DAY)
    for number in range(50):
        table.add_visit(["old love"], 0.0, number)
    for number in range(50):
        table.add_visit(["new love"], 60 * DAY, 100 + number)
    assert table.recent_clicks("old love") < 0.02 < 49 < table.recent_clicks("new love")
    assert table.trend("new love") > table.trend("old love")


def test_visits_are_counted_once_however_often_they_looked() -> None:
    table = Covisits()
    table.add_visit(["shoe", "sock", "shoe", "sock"], 0.0, 1)
    table.add_visit(["shoe"], 0.0, 2)
    assert table.visits_with(["shoe", "sock"]) == 1
    assert table.visits_with(["shoe"]) == 2
