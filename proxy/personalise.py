"""The product in one function: a page template, a plan, the published fragments and a visitor's context go in; the
page for that visitor and the reasons come out. Read this second, after `model.py`.

No IO, no clock, no chance: the same arguments give the same bytes. It cannot see the request, so what it returns can
only depend on what it was given (the rule against serving one visitor's page to another).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proxy.decide.engine import decide
from proxy.decide.plan import Plan
from proxy.model import Decision, EvaluationContext
from proxy.page.encode import Assembled, Coding, assemble
from proxy.page.fragments import Fragment
from proxy.page.template import Template


@dataclass(frozen=True, slots=True)
class Personalised:
    """The assembled page, and what each slot shows and why, in the order the slots stand in the page."""

    page: Assembled
    decisions: tuple[Decision, ...]


def personalise(
    template: Template,
    plan: Plan,
    fragments: Mapping[str, Fragment],
    context: EvaluationContext,
    *,
    coding: Coding,
    key: bytes,
    poured: Sequence[Fragment] = (),
) -> Personalised:
    """Decides every slot of the page and joins it. `key` is the secret of the ETag's hash. `poured` is what fills the
    page's holes, in their order.

    A decision whose fragment is not published shows the page's default.
    """
    decided = decide(plan, context, template.slots)
    decisions = tuple([decided[slot] for slot in template.slots])
    fills = [fragments.get(decision.variant) for decision in decisions]
    if template.holes:
        _pour(template, fills, poured)
        decisions = tuple([decision for decision in decisions if decision.slot])
    return Personalised(assemble(template, fills, context.attributes, coding=coding, key=key), decisions)


def untouched(template: Template, *, coding: Coding, key: bytes, poured: Sequence[Fragment] = ()) -> Assembled:
    """The page as the origin sent it, in the coding asked for: what a visitor gets when deciding failed."""
    fills: list[Fragment | None] = [None] * len(template.slots)
    _pour(template, fills, poured)
    return assemble(template, fills, {}, coding=coding, key=key)


def _pour(template: Template, fills: list[Fragment | None], poured: Sequence[Fragment]) -> None:
    for (place, _), fragment in zip(template.holes, poured, strict=True):
        fills[place] = fragment
