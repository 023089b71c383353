"""Personas: the visitor that `tailorbird why`, the studio and preview links pretend to be.

Whatever a persona does not say is taken from the request: its page, its search, its language. What it did is said in
the words of editors' tests (`cart: HOTDOG-6, BUN-4`), and is read as a stored history is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from proxy.audience.traits import STRANGER, TRAIT_MEASURES
from proxy.cases import as_case
from proxy.catalogue.strategy_context import BOUGHT, IN_CART, VIEWED
from proxy.conditions.explain import seen_text
from proxy.decide.plan import Plan
from proxy.diagnostics import did_you_mean, nearest
from proxy.errors import RequestError
from proxy.http.message import Request
from proxy.model import AttributeValue, Consent, EvaluationContext, Product, Profile, Visitor
from proxy.rulebook.case_history import ACTIONS, OF_SUBJECTS, actions
from proxy.rulebook.compile import Publication
from proxy.rulebook.expectations import Case
from proxy.visitors.consent import allowed, of_this_visit
from proxy.visitors.context import context_of

ACTION_WORDS = {name: name for name in ACTIONS} | {IN_CART: "cart", VIEWED: "viewed", BOUGHT: "bought"}
"""The words for what a persona did, and those of tests that they stand for."""
Known = Callable[[str], Product | None]
"""Looks a product up."""


class Persona(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who a visitor pretends to be: `visitor` is an id whose profile counts, `segments` are vouched for, `at` is a
    moment in Unix seconds (0: now), `attributes` anything else; `case` is the name of an editor's test whose visitor
    and moment these are; `consent` is one of `LEVELS`; `did` is what they did just now, by the words of `ACTIONS`."""

    visitor: str = ""
    segments: tuple[str, ...] = ()
    at: float = 0.0
    attributes: dict[str, AttributeValue] = {}
    case: str = ""
    consent: str = "profile"
    did: dict[str, tuple[str, ...]] = {}

    def __str__(self) -> str:
        said = [self.case or self.visitor or "an anonymous visitor", *self.segments]
        said += [f"consent {self.consent}"] * (self.consent != "profile")
        known = self.attributes.items()
        said += [f"{name} {seen_text(value)}" for name, value in known if not isinstance(value, frozenset)]
        said += [f"{name} {' and '.join(what)}" for name, what in self.did.items()]
        return ", ".join(said)


def did_of(said: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """What a persona did, of what is said of it; each is a list with commas."""
    did: dict[str, tuple[str, ...]] = {}
    for name, text in said.items():
        if name in ACTION_WORDS:
            did[ACTION_WORDS[name]] = tuple(filter(None, map(str.strip, text.split(","))))
    return did


def moment_of(at: str, publication: Publication) -> float:
    """Unix seconds; a time without an offset is in the time zone of the rules. Raises `RequestError`."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = datetime.min
    if not 1970 <= moment.year < 9999:
        raise RequestError(f"`{at}` is not a time", help="write it like 2026-11-25T12:00")
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(publication.timezone))).timestamp()


def must_be_segments(names: Iterable[str], publication: Publication) -> None:
    """Raises `RequestError` for a segment that no rule file has: it would make no difference, and nobody would see
    why."""
    known = [segment.name for segment in publication.plan.segments]
    for name in names:
        if name.casefold() not in map(str.casefold, known):
            help = did_you_mean(name, known) if known else "the rule files have none"
            raise RequestError(f"there is no segment `{name}`", help=help)


def must_be_sold(did: Mapping[str, tuple[str, ...]], products: Mapping[str, Product]) -> None:
    """Raises `RequestError` for a product that no catalogue knows: nothing would be found for it."""
    for name, what in did.items():
        for one in what if ACTIONS[name] not in OF_SUBJECTS and products else ():
            if one not in products:
                close = nearest(one, products)
                help = f"did you mean `{close}`?" if close else "products are said by their ids: cart: SKU-1042, BUN-4"
                raise RequestError(f"there is no product `{one}`", help=help)


def context_as(
    plan: Plan,
    request: Request,
    persona: Persona,
    profile: Profile | None,
    now: float,
    case: Case | None = None,
    *,
    known: Known = lambda _: None,
    told: Collection[str] = (),
) -> EvaluationContext:
    """What deciding this request would know if the persona had made it. `profile` is that of the persona's visitor,
    `case` the test it names; `known` tells what is known of the products it had to do with. The places `told` are those
    that proxies in front tell: what a profile says of them does not count."""
    at = persona.at or (case.at if case else None) or now
    consent = Consent[persona.consent.upper()]
    visitor = allowed(Visitor(persona.visitor, segments=frozenset(persona.segments)), consent)
    did = [action for name, what in persona.did.items() for action in actions(name, what, known)]
    if did and consent is not Consent.NONE:
        before, events = profile or STRANGER, [action.event(at, number) for number, action in enumerate(did)]
        profile = replace(before, history=(*before.history, *events))
    if consent is not Consent.PROFILE:
        profile = of_this_visit(profile, at) if consent is Consent.SESSION else None
    measures = {**TRAIT_MEASURES, **plan.inputs_of(plan.slots).measures}
    context = context_of(request, visitor, profile, now=at, measures=measures)
    seen = {name: value for name, value in context.attributes.items() if name not in told}
    if case is None:
        return msgspec.structs.replace(context, attributes={**seen, **persona.attributes})
    played = as_case(replace(case, actions=(*case.actions, *did)), plan, at, plan.slots)
    of_case = {name: value for name, value in played.attributes.items() if name != "page"}
    return msgspec.structs.replace(played, attributes={**seen, **of_case, **persona.attributes}, consent=consent)
