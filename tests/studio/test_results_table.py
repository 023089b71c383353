"""The table of results for spreadsheets."""

from __future__ import annotations

import csv
import io

from proxy.audience.results import ALL, ORDER
from tests.studio.test_app import browser
from tests.studio.test_results import MANY, group, looked, site


async def test_the_table_for_a_spreadsheet_has_a_line_for_each_number_and_no_formula() -> None:
    of = looked({**MANY, "=1+1": {ALL: group(9, 1)}, "冬の福袋": {ALL: group(9, 1)}})
    async with browser(site(of)) as client:
        answer = await client.get("/results.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert (
        answer.content.startswith(b"\xef\xbb\xbfrule,since,") and "\n冬の福袋,2026" in answer.text
    )  # as Excel reads it
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    green = next(row for row in rows if (row["rule"], row["group"], row["counted"]) == ("Bar", "green", ORDER))
    assert (green["visitors"], green["reached"]) == ("9050", "850") and float(green["low"]) > 0
    assert green["verdict"].startswith("better by") and green["since"] == "2026-11-03T12:00:00+00:00"
    assert [row["rule"] for row in rows if "1+1" in row["rule"]] == ["'=1+1"] * 3
    assert [row["counted"] for row in rows if row["rule"] == "'=1+1"] == [ORDER, "paid", "returned"]
