from __future__ import annotations

from datetime import date

import pytest
from minijinja import TemplateError

from proxy.demo.catalogue import load
from proxy.demo.pages import Assets, Pages, day, href, money, static_files


def pages() -> Pages:
    return Pages(load(), Assets(static_files() | {"/img/hero-forest.svg": b""}))


def test_money_and_days_read_well() -> None:
    assert (money(1249), money(2.2), money(0)) == ("€1,249.00", "€2.20", "€0.00")
    assert day(date(2026, 11, 5)) == "5 November 2026"


def test_an_address_is_escaped_but_keeps_its_slashes() -> None:
    assert href('/c/a"b?x=1&y=2') == "/c/a&quot;b?x=1&amp;y=2"


def test_texts_are_escaped() -> None:
    page = pages().render("excuse.html", {"title": "<b>no</b>", "text": "", "status": 404}).decode()
    assert "<h1>&lt;b&gt;no&lt;" in page


def test_a_name_the_page_was_not_given_is_an_error() -> None:
    with pytest.raises(TemplateError):
        pages().render("excuse.html", {"title": "no"})
