"""Options that say who looks."""

from __future__ import annotations

import click
import pytest

from proxy.cli.persona import persona_of
from proxy.rulebook.compile import load

RULES = b"version: 1\ntimezone: Europe/Amsterdam\nrules: [{name: A, slot: a.b, show: {banner: {title: A}}}]\n"
PUBLICATION = load({"a.rules.yaml": RULES, "slots.yaml": b"slots: {a.b: {}}"}).publication
NOBODY = {"segments": (), "visitor_id": "", "country": None, "language": None, "device": None, "at": None}


def test_attributes_are_amounts_truths_texts_and_sets() -> None:
    assert PUBLICATION is not None
    settings = ("orders=3", "newsletter = yes", "brands=Hoka", "brands=Salomon", "name=Anna")
    persona = persona_of(PUBLICATION, **{**NOBODY, "settings": settings, "language": "nl-BE"})  # type: ignore[arg-type]
    assert persona.attributes == {
        "language": frozenset({"nl", "nl-be"}),
        "orders": 3.0,
        "newsletter": True,
        "brands": frozenset({"Hoka", "Salomon"}),
        "name": "Anna",
    }


def test_what_no_rule_asks_for_is_told_since_it_makes_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    rules = RULES.replace(b"show", b"when: {orders: at least 3}, show")
    publication = load({"a.rules.yaml": rules, "slots.yaml": b"slots: {a.b: {}}"}).publication
    assert publication is not None
    settings = ("orders=3", "ordres=3", "shoe size=44")
    persona_of(publication, **{**NOBODY, "settings": settings})  # type: ignore[arg-type]
    assert capsys.readouterr().err.splitlines() == [
        'no rule asks for `ordres`; did you mean "orders"?',
        "no rule asks for `shoe size`",
    ]


def test_a_time_is_on_the_clocks_of_the_rules() -> None:
    assert PUBLICATION is not None
    persona = persona_of(PUBLICATION, **{**NOBODY, "settings": (), "at": "2026-11-25T12:00"})  # type: ignore[arg-type]
    assert persona.at == 1_795_604_400.0


@pytest.mark.parametrize(
    "said",
    [
        {"at": "noon"},
        {"at": "9999-01-01"},
        {"settings": ("orders",)},
        {"settings": ("=3",)},
        {"segments": ("VIPs",)},
    ],
)
def test_what_makes_no_sense_is_refused(said: dict[str, object]) -> None:
    assert PUBLICATION is not None
    with pytest.raises(click.BadParameter):
        persona_of(PUBLICATION, **{**NOBODY, "settings": (), **said})  # type: ignore[arg-type]
