"""The attribute `consent level` of a visitor's profile, written when their consent changes: webhooks act between
requests, and are told of a visitor's segments only with full consent (`profile`). Only where there are webhooks; a
request itself reads its own consent (`consent.py`).
"""

from __future__ import annotations

from proxy.audience.consent import LEVEL
from proxy.http.message import Request
from proxy.memo import make_room
from proxy.model import Arrival, Consent, Event, Visitor
from proxy.settings import Settings
from proxy.visitors.consent import Consents
from proxy.visitors.visitor import Cookies

MOST_REMEMBERED = 50_000
SOURCE = "page"


class ConsentChanges:
    """Remembers the last consent of visitors for one worker. Without webhooks, `is_asked` is False and nothing is
    written."""

    def __init__(self, settings: Settings, cookies: Cookies, consents: Consents) -> None:
        self._cookies = cookies
        self._consents = consents
        self.is_asked = bool(settings.webhooks)
        self._last: dict[str, Consent] = {}
        # With consent tools most visitors change it, on whichever worker: then the first word here is news as well.
        self._usual = None if settings.consent else Consent.PROFILE

    def news(self, request: Request, visitor: Visitor | None, at: float) -> list[Arrival]:
        """The change of consent of a page's visitor, as events; none for visitors without an id."""
        if not self.is_asked:
            return []
        consent = self._consents.of(request)
        known = visitor if visitor and visitor.id else self._cookies.read(request.cookies, at)
        if not known.id or self._last.get(known.id, self._usual) is consent:
            return []
        make_room(self._last, MOST_REMEMBERED)
        self._last[known.id] = consent
        event = Event(at, f"{SOURCE}:{LEVEL}:{at!r}", "identified")
        return [Arrival(known.id, event, SOURCE, at, {LEVEL: consent.name.lower()})]
