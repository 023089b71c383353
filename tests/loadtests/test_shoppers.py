from __future__ import annotations

import random

import pytest

from loadtests.shoppers import (
    Jar,
    Pace,
    addresses_of,
    breaches,
    linked_from,
    missing,
    ms_of,
    name_of,
    slots_of,
    times_of,
)

LOG = """1.2.3.4 - - [10/Oct/2026:13:55:36 +0000] "GET /sale?page=2 HTTP/1.1" 200 2326 "-" "Mozilla/5.0"
1.2.3.4 - - [10/Oct/2026:13:55:37 +0000] "GET /sale?page=2 HTTP/2.0" 304 0
1.2.3.4 - - [10/Oct/2026:13:55:37 +0000] "GET /style.css HTTP/2.0" 200 900
1.2.3.4 - - [10/Oct/2026:13:55:37 +0000] "GET /gone HTTP/2.0" 404 90
1.2.3.4 - - [10/Oct/2026:13:55:37 +0000] "POST /cart HTTP/2.0" 200 90
{"time":"2026-11-27T12:00:00Z","method":"GET","host":"shop.example","target":"/p/1","status":200}
{"time":"2026-11-27T12:00:00Z","method":"POST","host":"shop.example","target":"/p/2","status":200}
{"time":"2026-11-27T12:00:00Z","method":"GET","host":"shop.example","target":"/_tb/t.js","status":200}
/list/entry

https://shop.example
https://shop.example/c/boots?sort=price
"""


def test_addresses_are_those_of_pages_as_often_as_a_log_names_them() -> None:
    found = ["/sale?page=2", "/sale?page=2", "/p/1", "/list/entry", "/", "/c/boots?sort=price"]
    assert addresses_of(LOG.splitlines()) == found


def test_a_page_tells_what_it_links_to_and_which_slots_it_has() -> None:
    page = """<a href="/c/a?x=1&amp;y=2">A</a><a href="/c/a?x=1&amp;y=2#top">A</a><a href="//cdn.example/x">C</a>
      <link href="/style.css"><a href="https://else.example/">E</a><p data-slot="b.c"></p><tb-slot id="x" name="a">"""
    assert linked_from(page) == ["/c/a?x=1&y=2"] and slots_of(page) == ["a", "b.c"]


@pytest.mark.parametrize(
    ("address", "name"), [("/", "/"), ("/sale?x=1", "/sale"), ("/p/1", "/p/*"), ("/p/1/2?x=/y", "/p/*")]
)
def test_pages_of_one_kind_share_a_row(address: str, name: str) -> None:
    assert name_of(address) == name


def test_a_browser_keeps_what_it_is_given_until_that_ends_secure_or_not() -> None:
    jar = Jar(["", "consent=all"])
    new = list(jar.take(["__Host-tb_v=abc=; Path=/; Secure; HttpOnly", "cart=1; max-age=60"]))
    assert new == [("__Host-tb_v", "abc="), ("cart", "1")]
    assert list(jar.take(["__Host-tb_v=abc=; Secure"])) == [] and jar.header == "consent=all; __Host-tb_v=abc=; cart=1"
    assert list(jar.take(["cart=0; Max-Age=0; Path=/", "consent="])) == [] and jar.header == "__Host-tb_v=abc="


def test_what_comes_late_counts_from_when_it_was_due() -> None:
    pace = Pace(10.0, 100.0, random.Random(1))
    due = pace.due
    assert pace.wait(100.0) == due - 100.0 and pace.wait(due + 5) == 0.0
    took = [pace.took_ms(due + 5) for _ in range(20)]  # a stall of five seconds: all that came meanwhile waited
    assert took[0] == pytest.approx(5_000) and took == sorted(took, reverse=True) and took[10] > 3_000
    pace.due = 200.0
    pace.postpone(0.5)
    assert pace.took_ms(200.6) == pytest.approx(100) and pace.took_ms(0.0) == 0.0


def test_pages_are_due_so_many_a_second() -> None:
    pace = Pace(4.0, 0.0, random.Random(2))
    for _ in range(4_000):
        pace.took_ms(0.0)
    assert 950 < pace.due < 1_050


def test_what_a_page_does_not_show_is_found() -> None:
    assert missing("<p>Hello Anna</p>", ["Hello Anna", "Hello Ben"]) == ["Hello Ben"]


def test_what_99_of_100_took_is_of_all_rows_together() -> None:
    times = times_of([{"10": 98}, {20: 1, 500: 1}])
    assert [ms_of(times, part) for part in (50, 98, 99, 100)] == [10, 10, 20, 500] and ms_of(times_of([]), 99) == 0


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ((250.0, 0.0, 100), []),
        ((301.0, 0.0, 100), ["99 of 100 took up to 301 ms, more than 300"]),
        ((250.0, 0.02, 100), ["2.00% of requests failed, more than 1.00%"]),
        ((0.0, 0.0, 0), ["nothing was asked"]),
    ],
)
def test_what_a_run_did_not_keep_is_told(run: tuple[float, float, int], told: list[str]) -> None:
    assert breaches(*run, most_ms=300, most_failed=0.01) == told
    assert breaches(*run, most_ms=0, most_failed=1) == ([] if run[2] else told)
