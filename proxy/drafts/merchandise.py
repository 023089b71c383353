"""What a row of products asks for and how a list is arranged, word by word, so that a changed one says what was and
what is."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.catalogue.product_test import ProductTest
from proxy.catalogue.ranking import LARGEST_MOVE, Arrangement, Shift, shift_text
from proxy.catalogue.rows import DEFAULT_COUNT, RowSpec
from proxy.model import Rule
from proxy.rulebook.compile import Publication


def merchandise(rule: Rule, publication: Publication) -> dict[str, str]:
    """The words of its row or list, by what they are: `boost`, `count`; of an experiment with the arm, as `ours,
    boost`. What is not said is ""."""
    arms = rule.experiment.arms if rule.experiment else ()
    said: dict[str, str] = {}
    for arm, variant in [("", rule.variant), *((f"{arm.name}, ", arm.variant) for arm in arms)]:
        if ask := publication.asks.get(variant):
            said |= {arm + word: value for word, value in _of_row(ask).items()}
        elif arranged := publication.arrangements.get(variant):
            said |= {arm + word: value for word, value in _of_list(arranged).items()}
    return said


def _of_row(ask: RowSpec) -> dict[str, str]:
    return {
        "strategy": "; ".join(map(str, ask.sources)),
        "count": str(ask.count or DEFAULT_COUNT),
        "at least": _number(ask.at_least),
        "only": _tests(ask.only),
        "never": _tests(ask.never),
        "most per brand": _number(ask.most_per_brand),
        "most per category": _number(ask.most_per_category),
        **_moves(ask.shifts, ask.pins),
    }


def _of_list(arranged: Arrangement) -> dict[str, str]:
    return _moves(arranged.shifts, arranged.pins) | {"largest move": _number(arranged.largest, LARGEST_MOVE)}


def _moves(shifts: Iterable[Shift], pins: Iterable[tuple[int, str]]) -> dict[str, str]:
    return {
        "boost": ", ".join(map(shift_text, (shift for shift in shifts if shift.places > 0))),
        "bury": ", ".join(map(shift_text, (shift for shift in shifts if shift.places < 0))),
        "pin": ", ".join(f"{product} at {place}" for place, product in sorted(pins)),
    }


def _tests(tests: Iterable[ProductTest]) -> str:
    return ", ".join(map(str, tests))


def _number(number: float, usual: float = 0) -> str:
    return "" if number == usual else f"{number:g}"
