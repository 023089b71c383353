"""Showing a cut page to a visitor: who it is, what the page's rules ask, the profile only if they ask for it, the
decision, and the page put together.

Its law: personalisation never costs a visitor the page. Whatever raises in deciding or rendering, the page goes out
with its own defaults, and the failure is counted.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from proxy.audience.traits import STRANGER, TRAIT_MEASURES
from proxy.metrics import Metrics, Shown
from proxy.model import Measure, Profile, Visitor
from proxy.page.encode import Assembled, Coding
from proxy.page.template import Template
from proxy.personalise import personalise, untouched
from proxy.rulebook.compile import Publication
from proxy.serve.client import is_trusted, networks
from proxy.serve.context import context_of, needs_profile
from proxy.serve.message import Request
from proxy.serve.profiles import MISSING, ProfileReader
from proxy.serve.recording import Noted, Recorder
from proxy.serve.sewing import Sewing
from proxy.serve.visitor import Cookies
from proxy.settings import Settings

log = logging.getLogger("tailorbird.showing")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules and fragments of a page's slots may ask: attribute names, whether a profile has any, and those
    that are read off its history."""

    attributes: frozenset[str]
    needs_profile: bool
    measures: Mapping[str, Measure]


@dataclass(frozen=True, slots=True)
class Met:
    """A visitor, as far as the page at hand needs to know. `set_cookie` makes a new one come back as the same."""

    visitor: Visitor
    profile: Profile | None = None
    set_cookie: bytes | None = None


class Showing:
    """One publication at a time, replaced whole by `publish`."""

    def __init__(
        self, cookies: Cookies, profiles: ProfileReader, metrics: Metrics, settings: Settings, recorder: Recorder
    ) -> None:
        self._cookies = cookies
        self._profiles = profiles
        self._metrics = metrics
        self._recorder = recorder
        self._sewing = Sewing()
        self._gives_cookies = settings.visitor_cookie != "off"
        self._trusted = networks(settings.trusted_proxies)
        self._country_header = settings.country_header.lower().encode()
        self._etag_key = hashlib.sha256(b"tailorbird etag v1\n" + settings.secret.encode()).digest()

    def publish(self, publication: Publication) -> None:
        """Decides by this publication from now on."""
        self.publication = publication
        self._asked: dict[tuple[str, ...], Asked] = {}

    # -- who it is

    def meet(self, template: Template, request: Request, now: float) -> Met | None:
        """Who asks, from cookies and worker memory; None when the store has to be asked."""
        visitor = self._visitor(request, now)
        if not visitor.id:
            return self._welcome(visitor, now)
        if not self.asked_by(template).needs_profile:
            return Met(visitor)
        profile = self._profiles.remembered(visitor.id, now)
        return None if profile is MISSING else Met(visitor, profile)

    async def meet_waiting(self, template: Template, request: Request, now: float) -> Met:
        """Who asks, from the store where need be, within the reader's budget."""
        met = self.meet(template, request, now)
        if met is not None:
            return met
        visitor = self._visitor(request, now)
        return Met(visitor, await self._profiles.get(visitor.id, now))

    def _visitor(self, request: Request, now: float) -> Visitor:
        return self._cookies.read(request.get_list(b"cookie", b"; "), now)

    def _welcome(self, visitor: Visitor, now: float) -> Met:
        if not self._gives_cookies:
            return Met(visitor, STRANGER)
        new, cookie = self._cookies.new_visitor(now)
        return Met(replace(visitor, id=new.id, first_seen_at=new.first_seen_at), STRANGER, cookie)

    def asked_by(self, template: Template) -> Asked:
        """What the template's slots ask, worked out once per publication."""
        asked = self._asked.get(template.slots)
        if asked is None:
            asked = self._asked[template.slots] = _asked(self.publication, template.slots)
        return asked

    # -- what is shown

    def show(self, template: Template, request: Request, met: Met, now: float, coding: Coding) -> Assembled:
        """The page for this visitor; with its own defaults when deciding or rendering fails."""
        country_header = self._country_header if is_trusted(request.client, self._trusted) else b""
        try:
            asked = self.asked_by(template)
            context = context_of(
                request,
                met.visitor,
                met.profile,
                now=now,
                country_header=country_header,
                asked=asked.attributes,
                measures=asked.measures,
            )
            done = personalise(
                template,
                self.publication.plan,
                self.publication.fragments,
                context,
                coding=coding,
                key=self._etag_key,
            )
        except Exception:
            log.exception("`%s` is shown with its defaults", request.path.decode("latin-1"))
            self._metrics.count("tailorbird_decide_errors_total")
            return self.plain(template, coding)
        self._metrics.show(Shown(now, request.path.decode("utf-8", "replace"), done.decisions))
        if now >= self._recorder.due_at:
            noted = Noted(self.publication.plan, request, met.visitor, context, country_header, done.decisions)
            self._recorder.note(noted)
        self._sewing.tend(template.seams)
        return done.page

    def plain(self, template: Template, coding: Coding) -> Assembled:
        """The page as the origin sent it, in the coding asked for."""
        return untouched(template, coding=coding, key=self._etag_key)


def _asked(publication: Publication, slots: tuple[str, ...]) -> Asked:
    attributes = set(publication.plan.attributes_of(slots))
    variants = {variant for rule in publication.rules if rule.slot in slots for variant in rule.variants}
    for variant in variants & publication.fragments.keys():
        attributes.update(field.attribute for field in publication.fragments[variant].fields)
    measures = {name: TRAIT_MEASURES[name] for name in attributes & TRAIT_MEASURES.keys()}
    return Asked(
        frozenset(attributes),
        needs_profile(attributes) or publication.plan.reads_history(slots),
        {**measures, **publication.plan.measures_of(slots)},
    )
