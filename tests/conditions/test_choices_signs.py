"""Patterns of other programs in a value."""

from __future__ import annotations

import pytest

from proxy.conditions.choices import signs_of_a_pattern, within_quotes
from proxy.conditions.nodes import Scalar
from proxy.conditions.phrase import PATH, Kind, Phrase
from proxy.diagnostics import Suggestion
from proxy.model import NOWHERE

SEARCH = Phrase("search term", "search term", Kind.TEXT, "")


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        ("news*", "starts with news"),
        ("*trail*", "contains trail"),
        ("*shoe", "contains shoe"),
        ("trail.*", "starts with trail"),
        ("/trail/", "contains trail"),
        ("/red|green/i", "[contains red, contains green]"),
        ("^trail shoes", "starts with trail shoes"),
        ("/tr[ae]il/", None),
        ("a.*b", None),
    ],
)
def test_a_pattern_is_reported_and_said_in_words(value: str, instead: str | None) -> None:
    (found,) = signs_of_a_pattern(SEARCH, value, Scalar(value, NOWHERE))
    assert (found.code, found.is_warning) == ("L15", True)
    assert (found.help.instead if isinstance(found.help, Suggestion) else None) == instead


@pytest.mark.parametrize("value", ["trail", "shoes/trail", "/c/shoes/", "5 stars", "and/or", "*", "size 40/41", "C#"])
def test_plain_words_are_no_pattern(value: str) -> None:
    assert not list(signs_of_a_pattern(SEARCH, value, Scalar(value, NOWHERE)))


@pytest.mark.parametrize(
    ("value", "help"),
    [
        ("“trail”", "write: trail"),
        ("„trail shoes“", "write: trail shoes"),
        ("«trail»", "write: trail"),
        ("trail or running", "if any of them will do, write: [trail, running]"),
        ("trail OR running", "if any of them will do, write: [trail, running]"),
        ("trail oder lauf", "if any of them will do, write: [trail, lauf]"),
    ],
)
def test_quotes_of_a_word_processor_and_an_or_are_reported(value: str, help: str) -> None:
    (found,) = signs_of_a_pattern(SEARCH, value, Scalar(value, NOWHERE))
    assert (found.code, found.help) == ("L15", help)


def test_a_name_may_have_an_or_in_it() -> None:
    banner = Phrase("banner", "banner", Kind.TEXT, "")
    assert not list(signs_of_a_pattern(banner, "Bar or promise", Scalar("Bar or promise", NOWHERE)))
    assert within_quotes("“one” or “two”") == "" and within_quotes("one") == ""


def test_what_is_said_of_a_part_of_the_value_changes_nothing_else() -> None:
    (found,) = signs_of_a_pattern(SEARCH, "news*", Scalar("not news*", NOWHERE))
    assert not isinstance(found.help, Suggestion)


def test_values_with_a_shape_of_their_own_are_left_to_it() -> None:
    assert not list(signs_of_a_pattern(Phrase("page", "page", Kind.TEXT, "", shape=PATH), "/c/*", Scalar("", NOWHERE)))


@pytest.mark.parametrize(
    ("value", "help"),
    [
        ("Bern, Thun", "if any of them will do, write: [Bern, Thun]"),
        ("Bern or Thun", "if any of them will do, write: [Bern, Thun]"),
        ("Bern*", "write: starts with Bern"),
        ("Frankfurt (Oder)", ""),
        ("Brighton and Hove", ""),
    ],
)
def test_names_of_places_with_a_comma_or_an_or_between_are_several(value: str, help: str) -> None:
    city = Phrase("city", "city", Kind.NAME, "")
    assert [found.help for found in signs_of_a_pattern(city, value, Scalar(value, NOWHERE))] == [help] * bool(help)
