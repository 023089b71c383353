"""Personas: the visitor that `tailorbird why`, the studio and preview links pretend to be.

Whatever a persona does not say is taken from the request: its page, its search, its language.
"""

from __future__ import annotations

import msgspec

from proxy.audience.traits import TRAIT_MEASURES
from proxy.cases import as_case
from proxy.conditions.explain import seen_text
from proxy.decide.plan import Plan
from proxy.http.message import Request
from proxy.model import AttributeValue, Consent, EvaluationContext, Profile, Visitor
from proxy.rulebook.expectations import Case
from proxy.visitors.consent import allowed, of_this_visit
from proxy.visitors.context import context_of


class Persona(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who a visitor pretends to be: `visitor` is an id whose profile counts, `segments` are vouched for, `at` is a
    moment in Unix seconds (0: now), `attributes` anything else; `case` is the name of an editor's test whose visitor
    and moment these are; `consent` is one of `LEVELS`."""

    visitor: str = ""
    segments: tuple[str, ...] = ()
    at: float = 0.0
    attributes: dict[str, AttributeValue] = {}
    case: str = ""
    consent: str = "profile"

    def __str__(self) -> str:
        said = [self.case or self.visitor or "an anonymous visitor", *self.segments]
        said += [f"consent {self.consent}"] * (self.consent != "profile")
        known = self.attributes.items()
        said += [f"{name} {seen_text(value)}" for name, value in known if not isinstance(value, frozenset)]
        return ", ".join(said)


def context_as(
    plan: Plan, request: Request, persona: Persona, profile: Profile | None, now: float, case: Case | None = None
) -> EvaluationContext:
    """What deciding this request would know if the persona had made it. `profile` is that of the persona's visitor,
    `case` the test it names."""
    at = persona.at or (case.at if case else None) or now
    consent = Consent[persona.consent.upper()]
    visitor = allowed(Visitor(persona.visitor, segments=frozenset(persona.segments)), consent)
    if consent is not Consent.PROFILE:
        profile = of_this_visit(profile, at) if consent is Consent.SESSION else None
    measures = {**TRAIT_MEASURES, **plan.inputs_of(plan.slots).measures}
    context = context_of(request, visitor, profile, now=at, measures=measures)
    if case is None:
        return msgspec.structs.replace(context, attributes={**context.attributes, **persona.attributes})
    played = as_case(case, plan, at, plan.slots)
    of_case = {name: value for name, value in played.attributes.items() if name != "page"}
    return msgspec.structs.replace(
        played, attributes={**context.attributes, **of_case, **persona.attributes}, consent=consent
    )
