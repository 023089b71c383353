"""What is told of words of conditions that nobody knows."""

from __future__ import annotations

import pytest

from proxy.conditions.nodes import Scalar
from proxy.conditions.unknown import HOW_LOCATED, HOW_TO_BRING, HOW_TO_DECLARE, unknown_condition
from proxy.conditions.vocabulary import words
from proxy.diagnostics import Suggestion
from proxy.model import Place

HERE = Place("a.rules.yaml", 7, 7, 11)
KNOWN = list(words())


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("cart contains", "products in cart: [HOTDOG-6, BUN-4]"),
        ("Season", "date: between 2026-09-22 and 2026-12-20"),
        ("utm_source", "campaign: {source: newsletter}"),
        ("new-visitor", "visitor: new"),
        ("stage", "journey stage: intent"),
        ("Stadt", "city: [Bern, Thun]"),
        ("province", "region: [Nordland, Troms]"),
        ("landing page", "opened: {page: starts with /blog, within: this visit}"),
    ],
)
def test_who_writes_a_word_of_another_program_is_told_the_line_that_says_it_here(word: str, line: str) -> None:
    finding = unknown_condition(Scalar(word, HERE), KNOWN)
    assert (finding.code, finding.help, finding.note) == ("R101", f"write a line like `{line}`", "")
    assert not isinstance(finding.help, Suggestion)


@pytest.mark.parametrize("word", ["not clicked", "never clicked", "not segment", "no orders"])
def test_the_opposite_of_a_word_is_written_under_unless(word: str) -> None:
    help = unknown_condition(Scalar(word, HERE), KNOWN).help
    assert help == f"write `{word.partition(' ')[2]}:` under `unless:`, beside `when:`" and not isinstance(
        help, Suggestion
    )


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("over 500,00 €", "cart total: at least 20 EUR"),
        ("at least 500", "cart total: at least 20 EUR"),
        ("HOTDOG-6", "products in cart: [HOTDOG-6, BUN-4]"),
    ],
)
def test_a_cart_with_an_amount_is_what_lies_in_it_is_worth(value: str, line: str) -> None:
    assert unknown_condition(Scalar("basket", HERE), KNOWN, value).help == f"write a line like `{line}`"


def test_a_post_code_is_asked_for_by_the_location_of_which_it_is_said_where_it_comes_from() -> None:
    finding = unknown_condition(Scalar("Postcode", HERE), KNOWN)
    assert (finding.help, finding.note) == ("write a line like `location: within 20 km of Utrecht`", HOW_LOCATED)


@pytest.mark.parametrize("word", ["age", "logged in", "Customer_Group"])
def test_of_what_only_the_shop_knows_it_is_told_how_to_bring_it_and_not_a_word_that_looks_like_it(word: str) -> None:
    finding = unknown_condition(Scalar(word, HERE), KNOWN)
    assert (finding.help, finding.note) == (HOW_TO_BRING.format(word), HOW_TO_DECLARE)


def test_a_line_is_told_only_where_its_word_may_stand() -> None:
    assert unknown_condition(Scalar("town", HERE), ["segment", "country"]).help == "write one of: segment, country"


def test_a_misspelt_word_is_corrected_and_one_like_no_other_is_told_to_be_declared() -> None:
    assert unknown_condition(Scalar("laguage", HERE), KNOWN).help == 'did you mean "language"?'
    assert unknown_condition(Scalar("query", HERE), KNOWN).help == 'did you mean "search term"?'
    assert unknown_condition(Scalar("zzz", HERE), KNOWN).note == HOW_TO_DECLARE
