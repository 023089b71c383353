"""Showing a cut page to a visitor: who it is, what the page's slots depend on, the profile if they depend on it, the
decision, and the page put together.

Its law: personalisation never costs a visitor the page. Whatever fails in deciding or rendering, the page is sent with
its defaults, and the failure is counted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache, partial
from typing import NamedTuple, Protocol

import msgspec

from proxy.audience.traits import STRANGER
from proxy.catalogue.shop import Shop
from proxy.http.client import is_trusted, networks
from proxy.http.message import Request
from proxy.memo import make_room
from proxy.metrics import Decided, Metrics
from proxy.model import Consent, EvaluationContext, Profile, Visitor
from proxy.page.encode import Coding
from proxy.page.fragments import Fragment
from proxy.page.page_subject import PageSubject
from proxy.page.template import Template
from proxy.personalise import Personalised, Stock
from proxy.rulebook.compile import Publication
from proxy.serve.filling import Filling
from proxy.serve.page_memo import PageMemo, PageMemoEntry
from proxy.settings import Settings
from proxy.visitors.capture import Capture, View
from proxy.visitors.consent import Consents, allowed, of_this_visit
from proxy.visitors.context import NOT_SAID, Seen, context_from
from proxy.visitors.equivalence import NO_NUMBER, EquivalenceClasses
from proxy.visitors.inputs import Inputs, Values
from proxy.visitors.places import place_headers
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.recording import Recorder, SampledPage
from proxy.visitors.remembered import MISSING
from proxy.visitors.view_content import DecidedPage
from proxy.visitors.visitor import ANONYMOUS, Cookies

log = logging.getLogger("tailorbird.showing")

MOST_SLOT_SETS = 10_000  # sets of slots whose inputs are remembered; a client may ask for any set of slots by name


class HasSlots(Protocol):
    """A page that is cut, or a slot map of such."""

    @property
    def slots(self) -> tuple[str, ...]: ...
    @property
    def about(self) -> PageSubject: ...


class Who(NamedTuple):
    """A visitor, with the profile if the page needs it, and with the cookie to set, if any."""

    visitor: Visitor
    profile: Profile | None = None
    set_cookie: bytes | None = None
    is_new: bool = False


def _who(visitor: Visitor, profile: Profile | None, now: float, set_cookie: bytes | None = None) -> Who:
    return Who(visitor, of_this_visit(profile, now) if visitor.consent is Consent.SESSION else profile, set_cookie)


class Showing:
    """Shows pages by one publication at a time, which `publish` replaces."""

    def __init__(
        self,
        cookies: Cookies,
        profiles: ProfileReader,
        metrics: Metrics,
        settings: Settings,
        recorder: Recorder,
        capture: Capture,
    ) -> None:
        self.cookies = cookies
        self._profiles = profiles
        self.remembered = profiles.memory
        profiles.on_forget(cookies.forget)  # they hold references to profiles
        profiles.on_forget(self._forget_classes)
        self._metrics = metrics
        self.recorder, self.capture = recorder, capture
        self._page_memo = PageMemo()
        self.filling = Filling(self._page_memo, settings.secret)
        self._classes: dict[Hashable, EquivalenceClasses] = {}
        self._shop = Shop()
        self.consents = Consents(settings)
        self.gives_cookies = settings.visitor_cookie != "off"
        self._is_trusted = lru_cache(maxsize=1_024)(partial(is_trusted, trusted=networks(settings.trusted_proxies)))
        self._place_headers = place_headers(settings)

    def publish(self, publication: Publication) -> None:
        """Decides by this publication from now on."""
        self.publication = rules = publication
        self._shop.products.replace(publication.products)
        self.capture.forget_pages()
        self._shop.seed(publication.orders, publication.visits)
        self.stock = Stock(self._shop, rules.asks, rules.arrangements, rules.fragments, rules.counting, rules.contrasts)
        self.filling.publish(publication, self.stock)
        self._inputs: dict[tuple[str, ...], Inputs] = {}
        self._classes = {}
        self._page_memo.forget()

    # -- the visitor

    def recognise(self, page: HasSlots, request: Request, now: float) -> Who | None:
        """The visitor, from cookies and worker memory; None when the store has to be read."""
        if self.publication.is_off:
            return Who(allowed(ANONYMOUS, self.consents.of(request)))
        visitor = self._visitor(request, now)
        if not visitor.id:
            return self._recognise_without_cookie(visitor, request, now)
        inputs = self.inputs_of(page)
        if not inputs.needs_profile:
            return Who(visitor, set_cookie=self._renewed(visitor))
        profile = self._profiles.remembered(visitor.id, now, has_news=inputs.needs_history)
        return None if profile is MISSING else _who(visitor, profile, now, self._renewed(visitor))

    def recognises_soon(self, request: Request, now: float, then: Callable[[Who], None]) -> bool:
        """Starts to read the profile where `recognise` gave None; True if `then` will be called."""
        visitor = self._visitor(request, now)
        set_cookie = self._renewed(visitor)
        return self._profiles.when_read(visitor.id, now, lambda profile: then(_who(visitor, profile, now, set_cookie)))

    async def recognise_waiting(self, template: Template, request: Request, now: float) -> Who:
        """The visitor, from the store if necessary, within the reader's budget."""
        if (who := self.recognise(template, request, now)) is not None:
            return who
        visitor = self._visitor(request, now)
        return _who(visitor, await self._profiles.get(visitor.id, now), now, self._renewed(visitor))

    async def recognise_named(self, visitor_id: str, now: float, request: Request | None = None) -> Who:
        """A visitor named by a server, which is responsible for their consent; or by their own `request`."""
        named = Visitor(visitor_id)
        visitor = allowed(named, self.consents.of(request)) if request is not None else named
        return _who(visitor, await self._profiles.get(visitor.id, now) if visitor.id else None, now)

    def _visitor(self, request: Request, now: float) -> Visitor:
        return allowed(self.cookies.of(request, now), self.consents.of(request))

    def _recognise_without_cookie(self, visitor: Visitor, request: Request, now: float) -> Who:
        if visitor.consent < Consent.SESSION:
            has_cookie = self.cookies.visitor_name in request.cookies
            return Who(visitor, set_cookie=self.cookies.forgotten if has_cookie else None)
        if not self.gives_cookies or request.withholds_cookies:
            return Who(visitor, STRANGER)
        new, cookie = self.cookies.new_visitor(now, is_for_session=visitor.consent is Consent.SESSION)
        if visitor is not ANONYMOUS:
            new = msgspec.structs.replace(visitor, id=new.id, first_seen_at=new.first_seen_at)
        return Who(new, STRANGER, cookie, is_new=True)

    def _renewed(self, visitor: Visitor) -> bytes | None:
        """The cookie of a known visitor whose consent asks for another lifetime than it has."""
        is_for_session = visitor.consent is Consent.SESSION
        return self.cookies.renewed(visitor, is_for_session=is_for_session) if self.gives_cookies else None

    def inputs_of(self, page: HasSlots) -> Inputs:
        """The inputs of its slots, worked out once for each publication."""
        inputs = self._inputs.get(page.slots)
        if inputs is None:
            make_room(self._inputs, MOST_SLOT_SETS)
            inputs = self._inputs[page.slots] = Inputs.of(self.publication, page.slots, self._place_headers)
        return inputs

    # -- the page

    def show(
        self,
        template: Template,
        request: Request,
        who: Who,
        now: float,
        coding: Coding,
        memo_entry: PageMemoEntry | None = None,
        hole_fills: Sequence[Fragment] = (),
    ) -> Personalised:
        """The page for this visitor; with its defaults, and no decisions, when deciding or rendering fails.
        `memo_entry` holds the variants of a stored page, None for a page with holes; `hole_fills` fills those."""
        try:
            done = self._decide(template, request, who, now, coding, memo_entry, hole_fills)
        except Exception:  # any fault of ours: it must not cost the page (the law above)
            log.exception("`%s` is shown with its defaults", request.path.decode("latin-1"))
            self._metrics.count("tailorbird_decide_errors_total")
            return Personalised(self.filling.plain(template, coding, hole_fills), Decided.by(()))
        self.tell(template.about, request, who, now, done)
        return done

    def tell(self, about: PageSubject, request: Request, who: Who, now: float, done: DecidedPage) -> None:
        """Counts the page, and captures its view: together with others (`visitors/pending.py`) where nothing but the
        visitor and the time tells it from those."""
        self._metrics.show(now, request.path, done.decided)
        if self.capture.is_on:
            question, visitor = request.question, who.visitor
            is_plain = not who.is_new and bool(visitor.id) and visitor.consent is Consent.PROFILE
            page = self.capture.page_of(question, about) if is_plain and question is not None else None
            if page is None or question is None:
                self.capture.note(View(now, request, about, visitor, done, who.is_new))
            else:
                self.capture.note_again(now, question, page, visitor.id, done)

    def seen(self, request: Request, visitor: Visitor, now: float) -> Seen:
        """What deciding may look at of this request and visitor."""
        return Seen(request, visitor, now, self._place_headers if self._is_trusted(request.client) else NOT_SAID)

    def context_of(self, template: Template, request: Request, who: Who, now: float) -> EvaluationContext:
        """The context in which the template's slots are decided."""
        inputs, _, of_request, of_visitor = self.inputs_and_values(template, request, who, now)
        return self.context(inputs, request, who, now, of_request + of_visitor)

    def _decide(
        self,
        template: Template,
        request: Request,
        who: Who,
        now: float,
        coding: Coding,
        memo_entry: PageMemoEntry | None,
        hole_fills: Sequence[Fragment],
    ) -> Personalised:
        """The page from the memo, or decided and filled now."""
        inputs, classes, of_request, of_visitor = self.inputs_and_values(template, request, who, now)
        values = of_request + of_visitor
        done: Personalised | None
        if memo_entry is None:
            context = self.context(inputs, request, who, now, values)
            done = self.filling.compose_unshared(template, context, coding, hole_fills)
        else:
            number = NO_NUMBER
            if not inputs.tells_visitors_apart:
                number = classes.number(of_visitor, who.visitor, who.profile, now)
            circumstances, _ = self.circumstances(inputs, coding, of_request, now)
            done = memo_entry.get(circumstances, number)
            if done is None:
                context = self.context(inputs, request, who, now, values)
                done = self.filling.compose_shared(
                    template, context, coding, memo_entry, circumstances, inputs.of_request
                )
                if number != NO_NUMBER:
                    self._page_memo.keep(memo_entry, circumstances, number, done)
        if now >= self.recorder.due_at:
            self.record(inputs, request, who, now, values, done)
        return done

    def inputs_and_values(
        self, page: HasSlots, request: Request, who: Who, now: float
    ) -> tuple[Inputs, EquivalenceClasses, Values, Values]:
        """The inputs of the page's slots, their classes of visitors, and the values of this request and visitor."""
        inputs = self.inputs_of(page)
        of_request = inputs.cached_values(request)
        if of_request is None:
            of_request = inputs.request_values(self.seen(request, who.visitor, now))
        if inputs.of_place:
            of_request += inputs.place_values(self.seen(request, who.visitor, now))
        classes = self.classes(inputs)
        return inputs, classes, of_request, classes.values(who.visitor, who.profile, now)

    def context(self, inputs: Inputs, request: Request, who: Who, now: float, values: Values) -> EvaluationContext:
        """The context with these values of the inputs."""
        return context_from(self.seen(request, who.visitor, now), who.profile, inputs.attributes, values)

    def record(self, inputs: Inputs, request: Request, who: Who, now: float, values: Values, done: DecidedPage) -> None:
        """Records a view, if its visitor consents."""
        if who.visitor.consent is Consent.NONE:
            return
        seen, context = self.seen(request, who.visitor, now), self.context(inputs, request, who, now, values)
        self.recorder.note(SampledPage(self.publication.plan, seen, context, done.decided.decisions))

    def circumstances(self, inputs: Inputs, coding: Coding, values: Values, now: float) -> tuple[Hashable, float]:
        """All that deciding and filling look at beside the visitor; and until when it stays the same."""
        time, until = self.publication.plan.clock.period(now)
        return (coding, time, inputs.as_they_matter(values)), until

    def classes(self, inputs: Inputs) -> EquivalenceClasses:
        """The classes of visitors for these inputs. Slots with the same inputs share them, unless something is read off
        visitors' histories."""
        # By identity (`EquivalenceClasses` keeps the object alive): to compare many limits takes longer than all else.
        by = id(inputs) if inputs.needs_history else (inputs.of_visitor, inputs.splits)
        found = self._classes.get(by)
        if found is None:
            make_room(self._classes, MOST_SLOT_SETS)
            found = self._classes[by] = EquivalenceClasses(inputs, self.remembered.found, self.publication.measures)
        return found

    def _forget_classes(self) -> None:
        """Voids all numbers: they stand for values of visitors who may have been erased."""
        for classes in self._classes.values():
            classes.forget()

    def passed(self, template: Template, request: Request, now: float) -> None:
        """Captures the view of a page without slots."""
        self.capture.note(View(now, request, template.about, None))
