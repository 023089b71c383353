"""Who is like members, and which segments suggest themselves."""

from __future__ import annotations

from proxy.audience.lookalike import lookalikes, suggestions
from tests.audience.test_drivers import visitors


def test_who_shares_what_sets_members_apart_is_like_them_and_why_is_said() -> None:
    all_ = visitors((50, "brand: N|cat: trail"), (1, "brand: N|cat: trail"), (1, "cat: trail"), (200, "cat: hats"))
    found = lookalikes(all_, [True] * 50 + [False] * 202, 5)
    assert [one.visitor for one in found] == [50, 51]
    assert found[0].because == ("brand: N", "cat: trail")
    assert found[0].likeness > found[1].likeness > 0


def test_features_that_go_together_more_than_by_chance_suggest_a_segment() -> None:
    together = visitors((100, "cat: trail|sale: yes"), (20, "cat: trail"), (20, "sale: yes"), (300, "cat: hats"))
    (found,) = suggestions(together, 5)
    assert (found.features, found.members) == (("cat: trail", "sale: yes"), 100)
    assert 1.5 < found.lift < 100 / (120 * 120 / 440)


def test_neither_chance_nor_two_values_of_one_attribute_suggest_one() -> None:
    assert suggestions(visitors((25, "a: 1|b: 1"), (25, "a: 1"), (25, "b: 1"), (25, "")), 5) == []
    assert suggestions(visitors((50, "a: 1|a: 2"), (50, "")), 5) == []


def test_of_two_that_are_nearly_one_the_first_is_enough() -> None:
    alike = visitors((100, "a: 1|b: 1|c: 1"), (300, ""))
    assert len(suggestions(alike, 5)) == 1
