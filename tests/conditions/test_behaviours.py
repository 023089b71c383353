"""The rows of what visitors do: each is read off a history, and no two are one attribute."""

from __future__ import annotations

from proxy.conditions.behaviours import ACTIONS, TRAITS


def test_every_row_is_read_off_the_history() -> None:
    assert all(phrase.measure and phrase.measure.kinds for phrase in (*ACTIONS, *TRAITS))


def test_actions_have_lines_under_them_and_traits_are_a_value() -> None:
    assert all(phrase.parts and not phrase.stands_alone and not phrase.is_trait for phrase in ACTIONS)
    assert all(phrase.is_trait for phrase in TRAITS)


def test_every_row_has_a_name_of_its_own() -> None:
    keys = [phrase.key for phrase in (*ACTIONS, *TRAITS)]
    assert len(keys) == len(set(keys))
