"""How far a visitor agreed to be known, told to those who act between requests: other systems hear of who is in a
segment only while the visitor agreed to all of it (`profile`). With the request itself nobody needs it; so it is noted
only where there are webhooks, and when it is news: the attribute `consent level` of the profile.
"""

from __future__ import annotations

from collections import OrderedDict

from proxy.audience.consent import LEVEL
from proxy.http.message import Request
from proxy.model import Arrival, Consent, Event, Visitor
from proxy.settings import Settings
from proxy.visitors.consent import Consents
from proxy.visitors.visitor import Cookies

MOST_REMEMBERED = 50_000
SOURCE = "page"


class Agreeing:
    """One worker's memory of what visitors agreed to last. Unless it `is_asked` nothing is news."""

    def __init__(self, settings: Settings, cookies: Cookies, consents: Consents) -> None:
        self._cookies = cookies
        self._consents = consents
        self.is_asked = bool(settings.webhooks)
        self._last: OrderedDict[str, Consent] = OrderedDict()
        # With consent tools most visitors change it, on whichever worker: then the first word here is news as well.
        self._usual = None if settings.consent else Consent.PROFILE

    def news(self, request: Request, visitor: Visitor | None, at: float) -> list[Arrival]:
        """What the visitor of a page agrees to, where that is news; nothing of who is nobody we know."""
        if not self.is_asked:
            return []
        consent = self._consents.of(request)
        known = visitor if visitor and visitor.id else self._cookies.read(request.cookies, at)
        if not known.id or self._last.get(known.id, self._usual) is consent:
            return []
        self._last[known.id] = consent
        if len(self._last) > MOST_REMEMBERED:
            self._last.popitem(last=False)
        event = Event(at, f"{SOURCE}:{LEVEL}:{at!r}", "identified")
        return [Arrival(known.id, event, SOURCE, at, {LEVEL: consent.name.lower()})]
