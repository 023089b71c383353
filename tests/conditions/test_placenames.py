"""Names of places, however they are spelt."""

from __future__ import annotations

import pytest

from proxy.conditions.placenames import OTHER_NAMES, plain_name, spelt_plainly


@pytest.mark.parametrize(
    "names",
    [
        ("Tromsø", "Tromso", "TROMSØ", "Troms\u00f8", "tromso"),
        ("Zürich", "Zu\u0308rich", "zurich", "Zurigo"),
        ("Saint-Étienne", "saint etienne", "SAINTETIENNE"),
        ("München", "Munich", "munchen"),
        ("'s-Hertogenbosch", "’s-Hertogenbosch", "shertogenbosch"),
        ("Weißenfels", "Weissenfels"),
        ("Łódź", "Lodz"),
        ("NO-18", "no-18", "NO18"),
        ("東京",),
    ],
)
def test_all_spellings_of_a_name_are_one(names: tuple[str, ...]) -> None:
    (plain,) = {plain_name(name) for name in names}
    assert plain


def test_other_names_are_none_of_another_place() -> None:
    known = [spelt_plainly(name) for english, others in OTHER_NAMES.items() for name in (english, *others)]
    assert len(known) == len({*known})
