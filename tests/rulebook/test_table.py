"""A decision table becomes a rule file."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import OperatorError
from proxy.rulebook.compile import load
from proxy.rulebook.read import read_yaml
from proxy.rulebook.table import MADE, rules_from_table

TABLE = """\
name,slot,priority,country,orders,unless segment,limit,title,link,banner
Norway sale,home.hero,high,NO,at least 2,,once per visitor per 3 days,"Salg: alt, nå",/salg,
"Benelux",home.hero,,NL | BE,,VIP,,,,promo
,,,,,,,,,
Quiet,all.topbar,20,,,,,,,nothing new
"""
FILES = {
    "slots.yaml": b"slots: {home.hero: {}, all.topbar: {}}",
    "attributes.yaml": b"attributes: {orders: number}",
    "banners/promo.html": b"<p>Promo</p>",
    "s.rules.yaml": b"segments: {VIP: {}}\nrules: []",
}


def test_rows_are_rules_and_columns_are_words() -> None:
    assert (
        rules_from_table(TABLE, "Europe/Oslo").text
        == f"""\
{MADE}
version: 1
timezone: Europe/Oslo

rules:
  - name: Norway sale
    slot: home.hero
    priority: high
    limit: once per visitor per 3 days
    when:
      country: NO
      orders: at least 2
    show:
      banner:
        title: "Salg: alt, nå"
        link: /salg
  - name: Benelux
    slot: home.hero
    when:
      country: [NL, BE]
    unless:
      segment: VIP
    show:
      banner: promo
  - name: Quiet
    slot: all.topbar
    priority: 20
    show: nothing new
"""
    )


def test_the_file_is_clean_and_its_lines_know_their_rows() -> None:
    table = rules_from_table(TABLE)
    loaded = load({**FILES, "t.rules.yaml": table.text.encode()})
    assert loaded.publication is not None and loaded.findings == []
    assert [rule.name for rule in loaded.publication.rules] == ["Norway sale", "Benelux", "Quiet"]
    assert [table.row_of(line) for line in (1, 6, 17, 25, 99)] == [0, 2, 3, 5, 0]


def test_semicolons_tabs_and_a_mark_of_byte_order_are_fine() -> None:
    for delimiter in ";\t":
        text = "\ufeff" + TABLE.replace('"Salg: alt, nå"', "Salg").replace(",", delimiter)
        assert "country: [NL, BE]" in rules_from_table(text).text


@pytest.mark.parametrize(
    "text",
    [
        "name,slot\rA,s\r",
        "name,slot\r\nA,s\r\n",
        "sep=;\nname;slot\nA;s\n",
        "\ufeff\n\nname,slot\n\nA,s",
        '"sep=\t"\nname\tslot\nA\ts',
    ],
)
def test_a_table_is_read_however_a_spreadsheet_saved_it(text: str) -> None:
    assert "  - name: A\n    slot: s\n" in rules_from_table(text).text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('name;title\nA;"Hi\nB;x\n', "lines 2 to 3 were read as one row: a quotation mark is not closed"),
        ('name;title\nA;"H"i\nB;x\n', "line 2 cannot be read: a quotation mark"),
        ("", "the table is empty"),
        ("\n \n", "the table is empty"),
    ],
)
def test_a_table_that_would_lose_rows_is_refused(text: str, what: str) -> None:
    with pytest.raises(OperatorError, match=what) as refused:
        rules_from_table(text)
    assert refused.value.help


def test_a_column_twice_asks_both() -> None:
    text = rules_from_table("name,slot,segment,segment\nA,s,VIP,Runners\n").text
    assert "    when:\n      all of:\n        - segment: VIP\n        - segment: Runners\n" in text


@given(st.lists(st.lists(st.text(max_size=12), min_size=3, max_size=3), max_size=5))
def test_whatever_the_cells_hold_the_file_can_be_read(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["name", "city", "title"], *rows])
    text = rules_from_table(out.getvalue().replace("\0", "")).text
    findings: list[object] = []
    assert read_yaml("t", text, findings) is not None or _has_controls(text)  # type: ignore[arg-type]


def _has_controls(text: str) -> bool:
    return any(not char.isprintable() and char != "\n" for char in text)
