from __future__ import annotations

import pytest

from proxy.catalogue.history_files import read_history, read_sequences
from proxy.errors import OperatorError

BASKETS = [("hot dogs", "mustard"), ("milk",), ("milk", "hot dogs")]
VISITS = [("shoe", "sock"), ("tent",)]


@pytest.mark.parametrize(
    ("name", "text", "kind", "groups"),
    [
        ("baskets between commas", "hot dogs, mustard\nmilk\n\nmilk,hot dogs,\n", "baskets", BASKETS),
        ("with a byte-order mark and CRLF", "\ufeffhot dogs,mustard\r\nmilk\r\nmilk,hot dogs\r\n", "baskets", BASKETS),
        ("between tabs", "hot dogs\tmustard\nmilk\nmilk\thot dogs", "baskets", BASKETS),
        ("between blanks", "1 2\n3\n", "baskets", [("1", "2"), ("3",)]),
        ("quoted", '"salt, fine",milk\nmilk,bread', "baskets", [("salt, fine", "milk"), ("milk", "bread")]),
        ("orders", "order_id,product_id\n7,a\n8,c\n7,b\n", "baskets", [("a", "b"), ("c",)]),
        ("invoices", "InvoiceNo;StockCode;Quantity\n7;a;1\n7;b;1\n8;c;3\n", "baskets", [("a", "b"), ("c",)]),
        ("sessions", "sessionId;itemId;day\n1;shoe;2016-05-06\n1;sock;2016-05-06\n2;tent;2016-05-07", "visits", VISITS),
        (
            "visitors and times",
            "visitorid,timestamp,itemid\nv,1700000000000,shoe\nv,1700000060000,sock\nv,1700009000000,tent",
            "visits",
            VISITS,
        ),
        (
            "purchases that only some events name",
            "timestamp,visitorid,event,itemid,transactionid\n1,v,view,shoe,\n2,v,view,sock,\n3,w,transaction,tent,9",
            "visits",
            VISITS,
        ),
        (
            "clicks without a heading",
            "1,2014-04-07T10:51:09.277Z,shoe,0\n1,2014-04-07T10:52:09.277Z,sock,0\n2,2014-04-08T10:51:09Z,tent,0",
            "visits",
            VISITS,
        ),
        (
            "JSON lines",
            '{"visitor_id": "v", "product_id": "shoe", "at": 1}\n{"visitor_id": "v", "product_id": "sock", "at": 9}\n'
            '{"visitor_id": "w", "product_id": "tent", "at": 20}',
            "visits",
            VISITS,
        ),
    ],
)  # fmt: skip
def test_files_of_any_shape(name: str, text: str, kind: str, groups: list[tuple[str, ...]]) -> None:
    log = read_history(text.split("\n"))
    assert log.kind == kind
    assert [group.products for group in log.groups] == groups
    assert log.unread == 0


@pytest.mark.parametrize("row", ["2,a\rb", '2,"' + "x" * 2_000_000])
def test_a_row_that_is_broken_costs_no_other(row: str) -> None:
    log = read_history(["order_id,product_id", "1,a", "1,b", row])
    assert ([group.products for group in log.groups], log.unread) == ([("a", "b")], 1)


@pytest.mark.parametrize("time", ["NaN", "inf", "-Infinity", "1e999", "soon"])
def test_what_is_no_time_is_taken_for_none(time: str) -> None:
    log = read_history(["session,time,product", f"x,{time},shoe", "y,2026-11-01,sock"])
    assert [group.at for group in log.groups] == [0, 1_793_491_200]


def test_lines_that_make_no_sense_are_counted() -> None:
    log = read_history(["order_id,product_id", "1,a", "1", ",b", "1,", "1,c"])
    assert ([group.products for group in log.groups], log.unread) == ([("a", "c")], 3)


def test_visits_come_in_the_order_of_time() -> None:
    log = read_history(["session_id,item_id,timestamp", "2,late,20", "1,early,10", "2,later,21"])
    assert [group.products for group in log.groups] == [("early",), ("late", "later")]


@pytest.mark.parametrize("text", ["", "\n \n", '{"kind": "page viewed"}', "order_id,product_id\r1,A\r1,B\r"])
def test_a_file_without_products_is_refused(text: str) -> None:
    with pytest.raises(OperatorError):
        read_history(text.split("\n"))


def test_sequences_are_read_whatever_stands_between() -> None:
    assert read_sequences(["1 2 3\n", "4,5\r\n", "\n", "6\t7"]) == [("1", "2", "3"), ("4", "5"), ("6", "7")]
