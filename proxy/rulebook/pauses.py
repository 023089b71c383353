"""Pauses: rules, slots or everything, switched off at once without a change of the files.

A paused rule is passed over, as if it did not fit. A slot all of whose rules are paused shows the page's own, and the
decision says `paused`. With everything paused a page is what the origin sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from proxy.decide.plan import compile_plan
from proxy.model import Rule
from proxy.rulebook.compile import Publication


class What(StrEnum):
    """The kinds of things that can be paused."""

    RULE = "rule"
    SLOT = "slot"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True, order=True)
class Pause:
    """One thing that is paused. `name` is the rule's or the slot's on one line, without blanks around it; "" for
    everything."""

    what: What
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", " ".join(self.name.split()))

    def __str__(self) -> str:
        return f"{self.what} {self.name}".strip()


NOTHING: frozenset[Pause] = frozenset()


def pauses_in(text: str) -> frozenset[Pause]:
    """The pauses in a file, one in each line, as `rule Summer goodbye`. Other lines are skipped."""
    return frozenset(_pauses(text.split("\n")))


def text_of(pauses: Iterable[Pause]) -> str:
    """The content of the file."""
    return "".join(f"{pause}\n" for pause in sorted(pauses))


def paused(publication: Publication, pauses: Iterable[Pause]) -> Publication:
    """The publication with these pauses. Those of unknown names have no effect."""
    off = frozenset(pauses)
    if not off:
        return publication
    is_all, old = Pause(What.EVERYTHING) in off, publication.plan

    def switched(rule: Rule) -> Rule:
        is_off = is_all or not off.isdisjoint({Pause(What.RULE, rule.name), Pause(What.SLOT, rule.slot)})
        return replace(rule, paused=is_off)

    holdouts = () if is_all else old.holdouts
    plan = compile_plan(tuple(map(switched, old.rules)), old.segments, holdouts, version=old.version)
    return replace(
        publication,
        plan=replace(plan, journey=old.journey, inputs=old.inputs),
        rules=tuple(map(switched, publication.rules)),
        declared=() if is_all else publication.declared,
        is_off=is_all,
    )


def _pauses(lines: Iterable[str]) -> Iterator[Pause]:
    for line in lines:
        what, _, name = line.strip().partition(" ")
        if what in set(What) and bool(name) == (what != What.EVERYTHING):
            yield Pause(What(what), name.strip())
