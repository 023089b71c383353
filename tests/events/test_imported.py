"""Rows of orders and events, as events."""

from __future__ import annotations

import json

import pytest

from proxy.audience.rows import Note, Row, read_rows
from proxy.events.imported import DAY_ALONE, EVENTS, ORDERS, Reading, Result, events, lines_of_orders, orders
from proxy.model import Event, Item

NOW = 1_795_608_000.0  # 2026-11-25 12:00 UTC
READING = Reading(NOW, "Europe/Amsterdam")


def order_results(text: str, reading: Reading = READING) -> list[Result]:
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    counts = lines_of_orders(read_rows(lines, ORDERS), reading)
    return list(orders(read_rows(lines, ORDERS), counts, reading))


def event_results(text: str, reading: Reading = READING) -> list[Result]:
    return list(events(read_rows([line.encode() for line in text.splitlines(keepends=True)], EVENTS), reading))


def happened(results: list[Result]) -> list[Event]:
    return [result.arrival.event for result in results if result.arrival]


def refusals(results: list[Result]) -> list[tuple[int, str]]:
    return [(note.line, note.what) for result in results for note in result.notes if note.is_refusal]


def test_lines_of_an_order_are_one_event_wherever_they_stand() -> None:
    results = order_results(
        "order id,customer id,date,sku,category,price,quantity\n"
        "7,anna,2026-11-01,A,shoes/trail,10,2\n8,ben,2026-11-02 08:00,B,hats,5,1\n7,anna,2026-11-01,C,hats,3,1\n"
    )
    assert happened(results) == [
        Event(1_793_602_800.0, "order completed:8", "order completed", items=(Item("B", "hats", "", 5, 1),), value=5),
        Event(
            1_793_487_600.0,
            "order completed:7",
            "order completed",
            items=(Item("A", "shoes/trail", "", 10, 2), Item("C", "hats", "", 3, 1)),
            value=23,
        ),
    ]


def test_a_total_is_the_orders_not_its_lines() -> None:
    results = order_results("order,visitor,date,sku,total\n7,anna,2026-11-01,A,€ 1.234\n7,anna,2026-11-01,B,1234\n")
    assert [event.value for event in happened(results)] == [1_234]


def test_an_amount_that_nobody_can_read_is_told_and_the_order_counts() -> None:
    results = order_results(
        "order,visitor,date,sku,quantity,total\n7,anna,2026-11-01 08:00,A,two,ten\n8,ben,2026-11-01,A,,12\n"
    )
    assert [event.value for event in happened(results)] == [0, 12]
    assert results[0].notes == (
        Note(2, "quantity", "left out: `two` is no number"),
        Note(2, "value", "left out: `ten` is no number"),
    )
    (said,) = event_results("visitor,event,time,product,price\nanna,product viewed,2026-11-01,A,free\n")
    assert said.arrival and said.notes == (Note(2, "price", "left out: `free` is no number"),)


@pytest.mark.parametrize(
    ("date", "is_told"),
    [
        ("2026-11-01", True),
        ("01.11.2026", True),
        ("2026-11-01 08:00", False),
        ("2026-11-01T08:00:00Z", False),
        ("1793520000", False),
    ],
)
def test_an_order_of_a_day_without_a_time_is_told_once(date: str, is_told: bool) -> None:
    (whole,) = order_results(f"order,visitor,date,sku\n7,anna,{date},A\n7,anna,{date},B\n")
    assert whole.arrival and whole.notes == ((Note(2, "time", DAY_ALONE),) if is_told else ())


def test_an_order_is_in_the_currency_of_its_column_or_else_of_its_amounts() -> None:
    results = order_results(
        "order,visitor,date,sku,price,total,currency\n"
        "1,anna,2026-11-01 08:00,A,10,,usd\n2,anna,2026-11-01 08:00,A,10,,€\n"
        "3,anna,2026-11-01 08:00,A,£ 10,,\n4,anna,2026-11-01 08:00,A,10,12 SEK,\n5,anna,2026-11-01 08:00,A,$ 10,,\n"
        "6,anna,2026-11-01 08:00,A,10,,euros\n"
    )
    found = [result.arrival.details.get("currency") for result in results if result.arrival]
    assert found == ["USD", "EUR", "GBP", "SEK", None, None]
    assert results[-1].notes == (Note(7, "currency", "left out: `euros` is no code of three letters, as EUR"),)
    (said,) = event_results("visitor,event,time,value,currency\nanna,order refunded,2026-11-01 08:00,9,CHF\n")
    assert said.arrival and said.arrival.details == {"currency": "CHF"}


def test_the_lines_of_an_order_are_not_compared_each_with_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the column of order numbers says the same in each row, as `web`, the whole file is one order."""
    monkeypatch.setattr(Row, "__eq__", lambda *_: pytest.fail("rows are compared"))
    lines = "".join(f"web,anna,2026-11-01,SKU-{number},1\n" for number in range(30))
    assert [event.value for event in happened(order_results("order,visitor,date,sku,price\n" + lines))] == [30]


def test_the_same_line_of_an_order_counts_once_and_is_told() -> None:
    results = order_results("order,visitor,date,sku,price\n7,anna,2026-11-01,A,10\n7,anna,2026-11-01,A,10\n")
    (event,) = happened(results)
    assert event.value == 10
    assert Note(3, "", "the same line of the same order came before") in results[-1].notes


def test_orders_without_a_number_that_say_the_same_are_several_the_same_each_time() -> None:
    text = "customer  date      total\n 00001  20261101   10\n 00001  20261101   10\n"
    ids = [event.id for event in happened(order_results(text))]
    assert len(set(ids)) == 2
    assert ids == [event.id for event in happened(order_results(text))]


def test_order_numbers_that_a_spreadsheet_has_shortened_are_not_taken_for_one_order() -> None:
    results = order_results("visitor,date,order\nanna,2026-11-01,1.2E+11\nben,2026-11-01,1.2E+11\nben,2026-11-01,7\n")
    assert [line for line, _ in refusals(results)] == [2, 3]
    assert "a spreadsheet shortens it" in refusals(results)[0][1] and len(happened(results)) == 1


def test_times_without_a_zone_are_on_the_clocks_said() -> None:
    text = "visitor,date\na,2026-11-01\na,2026-11-01T00:00:00Z\na,01.11.2026 00:00\na,1793487600\na,1793487600000\n"
    assert [event.at for event in happened(order_results(text))] == [
        1_793_487_600.0,
        1_793_491_200.0,
        1_793_487_600.0,
        1_793_487_600.0,
        1_793_487_600.0,
    ]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("anna,", "says no time"),
        ("anna,31/12/2026", "`31/12/2026` is no time"),
        ("anna,13.31.2026", "`13.31.2026` is no time"),
        ("anna,46287.6", "`46287.6` is no time; as a spreadsheet counts days it is 2026-09-22: give its column"),
        ("1.2E+11,2026-11-01", "`1.2E+11` is a long number as a spreadsheet shortens it"),
        ("anna,2027-01-01", "is still to come"),
        ("a@b.example,2026-11-01", "`a@b.example` is an e-mail address, and no visitor id: write your own number"),
        (",2026-11-01", "has no visitor id"),
        ("anna,1980-01-01", "too long ago"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_by_its_line(row: str, what: str) -> None:
    results = order_results(f"visitor,date\nben,2026-11-01\n{row}\n")
    ((line, why),) = refusals(results)
    assert line == 3 and what in why
    assert len(happened(results)) == 1


def test_an_order_of_less_than_nothing_is_none() -> None:
    results = order_results("visitor,date,order,total\nben,2026-11-01,1,20\nben,2026-11-01,2,-5\n")
    assert refusals(results) == [(3, "`-5` is less than nothing; what was paid back is an event `order refunded`")]
    assert [event.value for event in happened(results)] == [20.0]


def test_what_is_older_than_asked_is_left_out_and_whose_it_was_is_known() -> None:
    reading = Reading(NOW, since=1_793_487_600.0)
    results = order_results("visitor,date\nanna,2026-10-01\nben,2026-11-10\n", reading)
    assert [(result.visitor_id, result.is_too_old) for result in results] == [("anna", True), ("ben", False)]
    assert len(happened(results)) == 1


def test_columns_may_have_names_of_their_own() -> None:
    reading = Reading(NOW, columns={"value": "dollar value"})
    (event,) = happened(order_results("visitor,date,dollar_value\na,2026-11-01,11.77\n", reading))
    assert event.value == 11.77


def test_a_row_is_an_event_by_any_of_its_names() -> None:
    text = (
        "visitor,event,time,sku,category,subject\na,product viewed,2026-11-01,A,shoes,\n"
        "a,Product Added,2026-11-01,A,,\na,page_view,2026-11-01,,,/sale\na,Returned,2026-11-01,,,\n"
    )
    assert [(event.kind, event.subject, len(event.items)) for event in happened(event_results(text))] == [
        ("product viewed", "", 1),
        ("product added", "", 1),
        ("page viewed", "/sale", 0),
        ("custom event", "Returned", 0),
    ]


def test_calls_as_segment_has_them_are_read_as_such() -> None:
    call = {
        "type": "track",
        "event": "Order Completed",
        "userId": "anna",
        "messageId": "m1",
        "timestamp": "2026-11-01T12:00:00Z",
        "properties": {"order_id": "7", "revenue": 25, "products": [{"product_id": "A", "price": 25}]},
    }
    (event,) = happened(event_results(json.dumps(call)))
    assert (event.id, event.value, event.items[0].product) == ("order completed:7", 25, "A")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"type": "trak", "userId": "anna"}', "`trak` is none of"),
        ('{"type": "track", "userId": "anna", "properties": 3}', "is no call"),
        ('{"visitor": "anna", "time": "2026-11-01"}', "says no event"),
        ('{"visitor": "anna", "event": "product viewed", "time": "2026-11-01"}', "names no product"),
        ("{", "is no JSON"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(text: str, what: str) -> None:
    ((line, why),) = refusals(event_results(text))
    assert line == 1 and what in why
