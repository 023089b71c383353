"""The content of a page view's event, without its visitor, its time and the banners shown: the same for all requests of
one question. Calculation only; `capture.py` makes the events."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from proxy.audience.results import DEVICE, HELD, SLOT
from proxy.catalogue.product_index import ProductIndex
from proxy.conditions.behaviours import VIEWED
from proxy.events.bots import is_ahead_of_time, is_bot
from proxy.http.message import Request
from proxy.metrics import Decided
from proxy.model import LONGEST_SUBJECT, Arrival, Consent, Decision, Item, chosen_name
from proxy.page.page_subject import PageSubject
from proxy.page.slots import INTERNAL
from proxy.stores.packed_views import packed_part, packed_words
from proxy.visitors.consent import Consents
from proxy.visitors.context import device_in, page_of, referrer_of
from proxy.visitors.parameters import SEARCH_PARAMETERS, first_of, parameters_of, search_term_of
from proxy.visitors.writekeys import BROWSER

DEVICES = "", "phone", "tablet", "desktop"
"""The kinds of devices; "" where the browser does not say."""
MOST_REFINEMENTS = 5
MOST_SHOWN = 16
"""A page view names so many banners at most; each further one is an event of its own."""
NO_REFINEMENTS = {
    *SEARCH_PARAMETERS, "page", "p", "sort", "order", "view", "limit", "gclid", "fbclid", "msclkid", "ref",
}  # fmt: skip


def why_not_counted(request: Request, consents: Consents) -> str:
    """The reason why a request is not counted; "" when it is."""
    if consents.of(request) < Consent.SESSION:
        return "unwanted"
    return "bot" if is_bot(request.get(b"user-agent") or b"") else ""


def is_opened(request: Request) -> bool:
    """Whether a browser opens it as a page, now."""
    if request.method != b"GET" or request.depth:
        return False
    ahead = request.get(b"sec-purpose") or request.get(b"purpose") or request.get(b"x-moz") or b""
    if is_ahead_of_time(ahead):
        return False
    destination = request.get(b"sec-fetch-dest")
    if destination == b"empty":  # a service worker passes on what the browser opens
        return request.get(b"sec-fetch-mode") == b"navigate"
    return destination == b"document" if destination else b"text/html" in (request.get(b"accept") or b"")


@dataclass(frozen=True, slots=True)
class ViewContent:
    """The `page` viewed; referrer and campaign (`came`); `other_events`, those of other kinds with their subjects; the
    `product` whose page it is. With none of the last three a view `is_plain`. `device` is a place in
    `DEVICES`."""

    page: str
    came: Mapping[str, str]
    other_events: Sequence[tuple[str, str]] = ()
    product: Item | None = None
    device: int = 0
    is_plain: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_plain", not (self.came or self.other_events or self.product))


class DecidedPage(Protocol):
    """A page (or what fills its slots) as it was decided. `view_cache` is a cache for what its view says."""

    decided: Decided
    view_cache: object


class Banners(msgspec.Struct, eq=False, gc=False):
    """The banners of a page: the variants chosen, by slot (`_chosen`); their rules, packed (`shown`); and the rules
    that the view has no room to name (`more`). `words` remembers what `words_on` made, b"" for nothing yet."""

    variants: dict[str, str | float | bool]
    shown: msgspec.Raw
    more: tuple[str, ...]
    words: list[bytes] = msgspec.field(default_factory=lambda: [b""] * len(DEVICES))

    def words_on(self, device: int) -> bytes:
        """Variants and rules as the event of a view on this device holds them, made when first asked for."""
        if not self.words[device]:
            details = {**self.variants, **on_device(device)}
            self.words[device] = packed_words(self.shown, packed_part(details))
        return self.words[device]


def on_device(device: int) -> dict[str, str]:
    """What a view's details say of its device."""
    return {DEVICE: DEVICES[device]} if device else {}


def banners_of(done: DecidedPage | None) -> Banners:
    """The banners of a page, worked out once for all visitors it is shown to."""
    if done is None:
        return NO_BANNERS
    if not isinstance(done.view_cache, Banners):
        empty, unmet = done.decided.empty, done.decided.unmet
        decisions = [
            one for one in done.decided.decisions if not one.slot.startswith(INTERNAL) and one.slot not in unmet
        ]
        shown = [each for each in decisions if each.rule and each.variant and each.slot not in empty]
        rules = tuple([decision.rule[:LONGEST_SUBJECT] for decision in shown])
        done.view_cache = Banners(_chosen(decisions), packed_part(rules[:MOST_SHOWN]), rules[MOST_SHOWN:])
    return done.view_cache


def _chosen(decisions: Sequence[Decision]) -> dict[str, str | float | bool]:
    """By `slot ...` the variant that each slot shows, also where an experiment's arm shows the page's default; by `held
    out ...` the rule that was withheld from the holdout. Results of rules are calculated from these two."""
    chosen: dict[str, str | float | bool] = {}
    for decision in decisions:
        if decision.rule and (variant := chosen_name(decision)):
            chosen[f"{SLOT}{decision.slot}"] = variant
        elif decision.detail == "holdout":
            chosen[f"{HELD}{decision.slot}"] = decision.withheld[:LONGEST_SUBJECT]
    return chosen


NO_BANNERS = Banners({}, packed_part(()), ())


def view_content_of(request: Request, about: PageSubject, hub: ProductIndex) -> ViewContent | None:
    """The content of a view of the page; None when it does not count: by a bot, a prefetch, or a part of a page. Where
    the page does not say whose it is, the catalogue does."""
    if not is_opened(request) or is_bot(request.get(b"user-agent") or b""):
        return None
    parameters, path = parameters_of(request.query), page_of(request.path)
    known = None if about.product else hub.at_path(path, lambda name: first_of(parameters, name))
    return ViewContent(
        path[:LONGEST_SUBJECT],
        dict(_came(request, parameters)),
        tuple((kind, subject[:LONGEST_SUBJECT]) for kind, subject in _other_events(about, parameters)),
        Item(known.id) if known else about.product,
        DEVICES.index(device_in(request) or ""),
    )


def is_told(arrival: Arrival, hub: ProductIndex) -> bool:
    """Whether it is the view of a product that the call for the slots of its page has told: the module says at which
    path it made one (`told_at`)."""
    path = arrival.details.get("told_at")
    is_ours = arrival.event.kind == VIEWED and arrival.source == BROWSER.name
    return is_ours and isinstance(path, str) and hub.at_link(path) is not None


def _came(request: Request, parameters: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    if referrer := referrer_of(request):
        yield "referrer", referrer[:LONGEST_SUBJECT]
    if campaign := parameters.get("utm_campaign"):
        yield "campaign", campaign[0][:LONGEST_SUBJECT]


def _other_events(about: PageSubject, parameters: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    term = search_term_of(parameters)
    if term:
        yield "searched", term
    elif about.listing:
        yield "list viewed", about.listing
    if term or about.listing:
        yield from (("list filtered", refinement) for refinement in _refinements(parameters))


def _refinements(parameters: Mapping[str, Sequence[str]]) -> Iterator[str]:
    chosen = (
        f"{name}:{value}"
        for name, values in parameters.items()
        if name.casefold() not in NO_REFINEMENTS and not name.casefold().startswith("utm_")
        for value in values
    )
    return itertools.islice(chosen, MOST_REFINEMENTS)
