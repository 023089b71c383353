"""A condition in disjunctive normal form: a few conjunctions, which are sets of literals that must all hold.

    country NL or BE, unless VIP, any of (cart at least 20, visits at least 3)
    =>  country in {NL, BE} and not VIP and cart >= 20
    or  country in {NL, BE} and not VIP and visits >= 3

Negation is pushed down to the literals first. A part that would multiply into more than `MAX_CONJUNCTIONS` is left out:
the conjunctions are then true too often, so the parts left out (the residual) must be tested as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from proxy.model import AllOf, AnyOf, Condition, Fact, NoneOf, Test

MAX_CONJUNCTIONS = 8


class Literal(msgspec.Struct, frozen=True, gc=False):
    """One test of one attribute that must hold, or must not if `wanted` is False. `qualifier` distinguishes tests of
    one attribute that need different columns: the time zone of a weekday, or `VERIFIED` for signed segments only."""

    attribute: str
    test: Test
    wanted: bool = True
    qualifier: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A condition that must hold, or must not when `wanted` is False."""

    condition: Condition
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The condition holds exactly if one of the conjunctions holds, and every part that was left out."""

    conjunctions: tuple[frozenset[Literal], ...]
    left_out: tuple[Part, ...] = ()


def alternatives(condition: Condition) -> Alternatives:
    """The conjunctions of a condition, at most `MAX_CONJUNCTIONS`; none if it can never hold."""
    return _alternatives(Part(condition))


def facts_of(condition: Condition) -> Iterator[Fact]:
    """Every fact in a condition, in the order written."""
    if isinstance(condition, Fact):
        yield condition
        return
    for part in condition.parts:
        yield from facts_of(part)


def _alternatives(part: Part) -> Alternatives:
    match part.condition:
        case Fact(attribute, test):
            return Alternatives((frozenset({Literal(attribute, test, part.wanted)}),))
        case NoneOf(inner):
            return _alternatives(Part(AnyOf(inner), not part.wanted))
        case AllOf(inner) | AnyOf(inner):
            parts = [Part(each, part.wanted) for each in inner]
            return _all(parts) if isinstance(part.condition, AllOf) == part.wanted else _any(part, parts)


def _any(whole: Part, parts: list[Part]) -> Alternatives:
    each = [_alternatives(part) for part in parts]
    joined = tuple(dict.fromkeys(conjunction for form in each for conjunction in form.conjunctions))
    if len(joined) > MAX_CONJUNCTIONS:
        return Alternatives((frozenset(),), (whole,))
    return Alternatives(joined, (whole,) if any(form.left_out for form in each) else ())


def _all(parts: list[Part]) -> Alternatives:
    product: tuple[frozenset[Literal], ...] = (frozenset(),)
    left_out: list[Part] = []
    each = [(part, _alternatives(part)) for part in parts]
    for part, form in sorted(each, key=lambda entry: len(entry[1].conjunctions)):
        if len(product) * len(form.conjunctions) > MAX_CONJUNCTIONS:
            left_out.append(part)
        else:
            product = tuple(dict.fromkeys(left | right for left in product for right in form.conjunctions))
            left_out += form.left_out
    return Alternatives(product, tuple(left_out))
