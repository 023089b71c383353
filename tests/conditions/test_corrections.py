"""What an editor most likely meant."""

from __future__ import annotations

import re

import pytest

from proxy.conditions.corrections import better_amount, better_value, swapped
from proxy.diagnostics import Suggestion

AMOUNT = re.compile(r"((at least|at most|more than|less than|exactly) )?\d+(\.\d+)?( EUR)?|between \d+ and \d+")


def instead(help: str) -> str | None:
    return help.instead if isinstance(help, Suggestion) else None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("at leat 3", "at least 3"),
        ("≥ 3", "at least 3"),
        (">=3", "at least 3"),
        ("< 3", "less than 3"),
        ("max 3", "at most 3"),
        ("3+", "at least 3"),
        ("1-3", "between 1 and 3"),
        ("1 to 3", "between 1 and 3"),
        ("1,000", "1000"),
        ("at least 1.000", "at least 1000"),
        ("at least 9,50 EUR", "at least 9.50 EUR"),
        ("4 or more", "at least 4"),
        ("4 oder weniger", "at most 4"),
        ("not more than 3", "at most 3"),
        ("at least 3 mal", "at least 3"),
        ("at least 1'234,50 EUR", "at least 1234.50 EUR"),
        ("2 weeks", None),
        ("at least 3 per day", None),
        ("not 3 nor 4", None),
        ("many", None),
        ("three", None),
    ],
)
def test_amounts(written: str, meant: str | None) -> None:
    fits = AMOUNT.fullmatch
    assert instead(better_amount(written, "help", lambda text: fits(text) is not None)) == meant


@pytest.mark.parametrize(
    ("written", "meant", "shape"),
    [
        ("Norway", "NO", "[A-Z]{2}"),
        ("Norwey", "NO", "[A-Z]{2}"),
        ("Iran", None, "[A-Z]{2}"),
        ("uk", "GB", "[A-Z]{2}"),
        ("Dutch", "nl", "[a-z]{2}"),
        ("shoes", "/shoes", "/.*"),
        ("/shoes?q=1", "/shoes", "/[^?]*"),
        ("https://www.Google.com/search", "google.com", r"[\w.-]+"),
        ("8 to 18", "between 08:00 and 18:00", r"between \d\d:\d\d and \d\d:\d\d"),
        ("9-11am", "between 09:00 and 11:00", r"between \d\d:\d\d and \d\d:\d\d"),
        ("8:30pm until 11pm", "between 20:30 and 23:00", r"between \d\d:\d\d and \d\d:\d\d"),
        ("from 18:00", "between 18:00 and 24:00", r"between \d\d:\d\d and \d\d:\d\d"),
        ("after 6pm", "between 18:00 and 24:00", r"between \d\d:\d\d and \d\d:\d\d"),
        ("before 17:00", "between 00:00 and 17:00", r"between \d\d:\d\d and \d\d:\d\d"),
        ("bis 9 Uhr", "between 00:00 and 09:00", r"between \d\d:\d\d and \d\d:\d\d"),
        ("nl_BE", "nl-BE", "[a-z]{2}-[A-Z]{2}"),
        ("NO and NL", "[NO, NL]", "[A-Z]{2}"),
        ("Atlantis", None, "[A-Z]{2}"),
    ],
)
def test_values(written: str, meant: str | None, shape: str) -> None:
    assert instead(better_value(written, "help", lambda text: re.fullmatch(shape, text) is not None, ())) == meant


def test_a_choice_is_met_by_its_beginning_or_nearly() -> None:
    days = ("monday", "tuesday")
    assert [instead(better_value(day, "help", days.__contains__, days)) for day in ("Mon", "tusday", "x")] == [
        "monday", "tuesday", None,
    ]  # fmt: skip


def test_a_choice_is_told_as_it_is_spelled() -> None:
    countries = ("NO", "SE")
    assert instead(better_value("norwegian", "help", lambda text: text.upper() in countries, countries)) == "NO"


def test_the_ends_of_a_range_are_swapped() -> None:
    assert instead(swapped("between 20 EUR and 10 EUR", "help")) == "between 10 EUR and 20 EUR"


DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Mon-Fri", "[monday, tuesday, wednesday, thursday, friday]"),
        ("weekend", "[saturday, sunday]"),
        ("sat. – mon.", "[saturday, sunday, monday]"),
        ("t-f", None),
        ("Mon", "monday"),
    ],
)
def test_days_from_one_to_another(written: str, meant: str | None) -> None:
    assert instead(better_value(written, "help", DAYS.__contains__, DAYS)) == meant
