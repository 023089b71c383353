from __future__ import annotations

from proxy.catalogue.affinity_sql import POPULARITY, STEPS, pairs_sql, rows_sql, whole_pairs_sql, whole_sql
from proxy.catalogue.covisits import REACH


def test_the_sql_asks_for_one_part_and_every_step_both_ways() -> None:
    text = rows_sql(2, 5, 100.0, 70.0)
    assert text.count("% 5 = 2") == 2 * REACH
    assert f"next{REACH}" in STEPS and "GROUP BY product" in POPULARITY


def test_the_whole_is_one_statement_about_the_users_table() -> None:
    text = whole_sql("shop.clicked", 100.0, 70.0)
    assert text.count("shop.clicked") == 1 and "%" not in text
    assert text.startswith("WITH clicks AS (") and text.count("clicked until") == 1


def test_pairs_are_asked_for_in_parts_or_as_one_statement() -> None:
    assert pairs_sql(2, 5).count("% 5 = 2") == 1 and "%" not in pairs_sql()
    text = whole_pairs_sql("shop.ordered")
    assert text.count("shop.ordered") == 1 and text.startswith("WITH orders AS (") and text.count("UNION ALL") == 2
