"""Events that pages record by themselves, without a tag: which page, product or list a visitor opened, what they
searched, how they narrowed it, and which banners they were shown (the view of a page names these).

An event is packed where the page is answered, and counts on the visitor's next request. Only a browser that opens a
page to show it counts: no bot, no prefetch, no part of a page, nobody who does not consent. A visitor's first page is
held until they come back with their cookie, to whichever worker: who never does gets no profile.
"""

from __future__ import annotations

import itertools
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from proxy.catalogue.product_index import ProductIndex
from proxy.conditions.behaviours import ADDED, SHOWN
from proxy.http.message import OwnFields, Question, Request
from proxy.memo import make_room
from proxy.model import Arrival, Consent, Item, PackedEvent, Product, Visitor
from proxy.page.page_subject import PageSubject
from proxy.rulebook.policy import PagePolicy
from proxy.settings import Settings
from proxy.stores.packed_views import PAGE, VIEWED, id_of_view, packed_part, view
from proxy.stores.record import packed_event
from proxy.visitors.consent import Consents, allowed
from proxy.visitors.consent_changes import ConsentChanges
from proxy.visitors.context import page_of
from proxy.visitors.journal import Journal
from proxy.visitors.parameters import first_of, parameters_of
from proxy.visitors.pending import NOTHING_MORE, Pending, ServedFrom, ServedPage
from proxy.visitors.view_content import (
    NO_BANNERS,
    Banners,
    DecidedPage,
    ViewContent,
    banners_of,
    on_device,
    view_content_of,
    why_not_counted,
)
from proxy.visitors.visitor import Cookies

log = logging.getLogger("tailorbird.capture")

MOST_HELD = 10_000
MOST_TOLD = 5_000
_NOTHING_SOLD = ProductIndex()


class View(NamedTuple):
    """A page that was answered. `visitor` is None if the cookies were not read; `is_first`: this answer sets the
    visitor's first cookie."""

    at: float
    request: Request
    about: PageSubject
    visitor: Visitor | None
    done: DecidedPage | None = None
    is_first: bool = False


class Page(NamedTuple):
    """A page of one question: what it is about, and the content of its views; None if they do not count."""

    about: PageSubject
    view_content: ViewContent | None


class FirstView(NamedTuple):
    """A new visitor's first view, held until they come back."""

    at: float
    content: ViewContent
    banners: Banners


class Capture:
    """Captures the events of one worker's pages. Without a `journal` it is off (`is_on`). `hub` returns the products
    of the shop."""

    def __init__(
        self,
        journal: Journal | None,
        cookies: Cookies,
        settings: Settings,
        hub: Callable[[], ProductIndex] = lambda: _NOTHING_SOLD,
        consent_changes: ConsentChanges | None = None,
    ) -> None:
        self._journal = journal if settings.capture else None
        self.is_on = self._journal is not None
        self._cookies = cookies
        self._consents = Consents(settings)
        self.consent_changes = consent_changes or ConsentChanges(settings, cookies)
        self._hub = hub
        self._pages: dict[Question, Page] = {}
        self._held: OrderedDict[str, FirstView] = OrderedDict()
        self._numbers = itertools.count(secrets.randbits(62))  # such as no other worker comes to
        self.pending = journal.pending if journal is not None else Pending()
        if self._journal is not None:
            self.pending.set_counter(self._count, self._journal.schedule)

    def note(self, view: View) -> None:
        """Records that a page was answered."""
        if self._journal is None:
            return
        try:
            self._journal.note(self._counted(view))
        except Exception:  # any fault of ours: it must not cost the page
            log.exception("what `%s` told is lost", view.request.path.decode("latin-1"))

    def note_form(self, at: float, request: Request, status: int, policy: PagePolicy | None) -> None:
        """Records that a form was accepted that puts a product into the cart: the one whose id the form's address ends
        with, or whose page that address is, or the page the form stands in."""
        if self._journal is None or policy is None or not policy.fills_cart or status >= 400:
            return
        try:
            product = None if why_not_counted(request, self._consents) else self._added(request)
            visitor = self._visitor(request, at)
            if product is not None and visitor.id:
                item, id = self._completed(Item(product.id), at), id_of_view(next(self._numbers))
                event = packed_event(visitor.id, PAGE, (at, id, ADDED, "", (item,), item.price, ()))
                self._journal.note(self._since(visitor.id, [event]))
        except Exception:  # any fault of ours: it must not cost the answer
            log.exception("what a form for `%s` told is lost", request.path.decode("latin-1"))

    def _added(self, request: Request) -> Product | None:
        hub, path, parameters = self._hub(), page_of(request.path), parameters_of(request.query)
        by_id = hub.get(path.rstrip("/").rpartition("/")[2])
        sent_from = (request.get(b"referer") or b"").decode("latin-1")
        return by_id or hub.at_path(path, lambda name: first_of(parameters, name)) or hub.at_link(sent_from)

    def page_of(self, question: Question, about: PageSubject) -> Page | None:
        """The page of a question; None while each view of it has to be worked out (`note`)."""
        if not self.is_on:
            return Page(about, None)
        page = self._pages.get(question)
        return page if page is not None and page.about is about and not self.consent_changes.is_asked else None

    def note_again(self, at: float, question: Question, page: Page, visitor_id: str, done: DecidedPage | None) -> None:
        """Records a view of `page` by a known visitor who consents."""
        if page.view_content is not None and self.is_on:
            source = ServedFrom(question, page.view_content)
            self.pending.add((at, visitor_id, source, done, None, NOTHING_MORE, ""))

    def note_first(self, at: float, content: ViewContent | None, visitor_id: str, done: DecidedPage | None) -> None:
        """Holds the first view of a visitor who consents and gets their cookie with it."""
        if content is not None:
            self._hold(visitor_id, FirstView(at, content, banners_of(done)))

    def note_passed(self, at: float, question: Question, about: PageSubject, own: OwnFields, client: str) -> None:
        """Records that a page without slots was answered to a request of a known question."""
        if self._journal is None:
            return
        cookies = own.get(b"cookie", b"")
        visitor = self._cookies.known(cookies, at)
        agrees = visitor is not None and self._consents.level(cookies, question.is_private) is Consent.PROFILE
        page = self.page_of(question, about) if agrees else None
        if page is None or visitor is None:
            self.note(View(at, question.request(own, client), about, None))
        else:
            self.note_again(at, question, page, visitor.id, None)

    def hear(self, events: Iterable[Arrival | PackedEvent]) -> None:
        """Records the first views held here of visitors who came back to another worker, as these events of it say."""
        for one in events if self._held else ():
            if self._journal is not None and (isinstance(one, PackedEvent) or one.source == PAGE):
                self._journal.note(self._since(one.via or one.visitor_id, []))

    def forget_pages(self) -> None:
        """Forgets what pages are about: the catalogue may be another."""
        self._pages.clear()

    def forget(self) -> None:
        """Forgets all visitors: any of them may have been erased."""
        self._held.clear()
        self.consent_changes.forget()

    def _count(self, views: Sequence[ServedPage]) -> None:
        """Makes events of served pages, and notes them in the journal."""
        arrivals: list[Arrival | PackedEvent] = []
        held, numbers = self._held, self._numbers
        for at, visitor_id, source, done, _, _, _ in views:
            content = source.view_content
            if content is None:
                continue
            try:
                banners = NO_BANNERS if done is None else done.view_cache
                if not isinstance(banners, Banners):
                    banners = banners_of(done)
                if content.is_plain and not banners.more and visitor_id not in held:  # the usual case
                    words = banners.words[content.device] or banners.words_on(content.device)
                    arrivals.append(view(visitor_id, at, next(numbers), content.page, words))
                else:
                    arrivals += self._since(visitor_id, self._events(at, visitor_id, content, banners))
            except Exception:
                log.exception("what a page told is lost")
        if self._journal is not None:
            self._journal.note(arrivals)

    def _counted(self, view: View) -> Sequence[Arrival | PackedEvent]:
        """The events of a view; none if they do not count, or not yet."""
        page = self._page(view.request, view.about)
        if page.view_content is None:
            return ()
        visitor = view.visitor or self._visitor(view.request, view.at)
        is_known = bool(visitor.id) and visitor.consent >= Consent.SESSION
        banners = banners_of(view.done)
        if view.is_first and is_known:
            self._hold(visitor.id, FirstView(view.at, page.view_content, banners))
            return ()
        agreed = self.consent_changes.news(view.request, view.visitor, view.at) if self.consent_changes.is_asked else []
        if not is_known:
            return agreed
        return self._since(visitor.id, [*agreed, *self._events(view.at, visitor.id, page.view_content, banners)])

    def _hold(self, visitor_id: str, first: FirstView) -> None:
        self._held[visitor_id] = first
        if len(self._held) > MOST_HELD:
            self._held.popitem(last=False)

    def _since(self, visitor_id: str, arrivals: list[Arrival | PackedEvent]) -> list[Arrival | PackedEvent]:
        """The events, with the first view that was held until the visitor came back."""
        if visitor_id not in self._held:
            return arrivals
        at, content, banners = self._held.pop(visitor_id)
        return [*self._events(at, visitor_id, content, banners), *arrivals]

    def _visitor(self, request: Request, at: float) -> Visitor:
        return allowed(self._cookies.read(request.cookies, at), self._consents.of(request))

    def _page(self, request: Request, about: PageSubject) -> Page:
        """The page, worked out once for each question."""
        question = request.question
        if question is None:
            return Page(about, view_content_of(request, about, self._hub()))
        page = self._pages.get(question)
        if page is None or page.about is not about:
            make_room(self._pages, MOST_TOLD)
            page = self._pages[question] = Page(about, view_content_of(request, about, self._hub()))
        return page

    def _events(
        self, at: float, visitor_id: str, content: ViewContent, banners: Banners
    ) -> list[Arrival | PackedEvent]:
        """The page view, with its banners and the variant of each slot; and the further events."""
        number = next(self._numbers)
        events: list[Arrival | PackedEvent] = [self._view(number, at, visitor_id, content, banners)]
        for which, other in enumerate(self._others(content, banners.more, at), 1):
            events.append(packed_event(visitor_id, PAGE, (at, id_of_view(number, which), *other, ())))
        return events

    def _view(self, number: int, at: float, visitor_id: str, content: ViewContent, banners: Banners) -> PackedEvent:
        """The page view alone."""
        device = content.device
        if not content.came:
            return view(visitor_id, at, number, content.page, banners.words_on(device))
        details = packed_part({**banners.variants, **content.came, **on_device(device)})
        return packed_event(
            visitor_id, PAGE, (at, id_of_view(number), VIEWED, content.page, (), 0.0, banners.shown), details
        )

    def _others(
        self, content: ViewContent, shown: Sequence[str], at: float
    ) -> Iterator[tuple[str, str, tuple[Item, ...], float]]:
        """Kind, subject, products and value of each event beside the view."""
        yield from ((SHOWN, rule, (), 0.0) for rule in shown)
        if content.product is not None:
            item = self._completed(content.product, at)
            yield "product viewed", "", (item,), item.price
        yield from ((kind, subject, (), 0.0) for kind, subject in content.other_events)

    def _completed(self, item: Item, at: float) -> Item:
        """The item, completed with what the catalogue knows. Of two prices it is the lower: the page's may be in
        another currency, and the catalogue's may be late; nobody is to be told later that it fell when it did not."""
        known = self._hub().get(item.product)
        if known is None:
            return item
        return replace(
            self._hub().completed(item, at),
            quantity=1.0 if known.in_stock else 0.0,
            price=min(filter(None, (item.price, known.price_at(at))), default=0.0),
        )
