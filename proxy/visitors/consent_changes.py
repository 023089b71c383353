"""The attribute `consent level` of a visitor's profile, written when their consent changes: webhooks act between
requests, and are told of a visitor's segments only with full consent. A request itself reads its own consent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from proxy.audience.consent import LEVEL
from proxy.http.message import Request
from proxy.memo import make_room
from proxy.model import Arrival, Consent, Event, Visitor
from proxy.settings import Settings
from proxy.stores.packed_views import PAGE
from proxy.visitors.consent import Consents
from proxy.visitors.visitor import Cookies

MOST_REMEMBERED = 50_000
"""Visitors whose last consent is known."""
AGAIN_SECONDS = 600.0
"""After so long it is written again: what other workers wrote meanwhile may not have been told."""
DOUBTED_SECONDS = 2.0
"""The same for who was changed by a worker that this one heard nothing of: its message may be late, or lost."""


class ConsentWord(NamedTuple):
    """A visitor's consent as it was written, and when (Unix seconds)."""

    level: str
    at: float


class ConsentChanges:
    """Remembers for one worker what was last written of a visitor's consent, by whichever worker. Without webhooks,
    `is_asked` is False and nothing is written."""

    def __init__(self, settings: Settings, cookies: Cookies) -> None:
        self._cookies = cookies
        self._consents = Consents(settings)
        self.is_asked = bool(settings.webhooks)
        self._last: dict[str, tuple[ConsentWord, float]] = {}  # each with when it is to be written again
        # With consent tools most visitors change it, on whichever worker: then the first word here is news as well.
        self._usual = "" if settings.consent else _level_of(Consent.PROFILE)

    def news(self, request: Request, visitor: Visitor | None, at: float) -> list[Arrival]:
        """The change of consent of a page's visitor, or of who sends events, as events; none for visitors without an
        id."""
        if not self.is_asked:
            return []
        known = visitor if visitor and visitor.id else self._cookies.read(request.cookies, at)
        level = _level_of(self._consents.of(request))
        if not known.id or self._is_written(known.id, level, at):
            return []
        self._remember(known.id, ConsentWord(level, at))
        event = Event(at, f"{PAGE}:{LEVEL}:{at!r}", "identified")
        return [Arrival(known.id, event, PAGE, at, {LEVEL: level})]

    def hear(self, written: Mapping[str, ConsentWord]) -> None:
        """Notes what other workers wrote of visitors."""
        for visitor_id, word in written.items():
            known = self._last.get(visitor_id)
            if known is None or known[0].at < word.at:
                self._remember(visitor_id, word)

    def doubt(self, visitor_ids: Iterable[str]) -> None:
        """Notes that others changed these visitors, maybe their consent."""
        for visitor_id in visitor_ids:
            if known := self._last.get(visitor_id):
                word, again_at = known
                self._last[visitor_id] = word, min(again_at, word.at + DOUBTED_SECONDS)

    def forget(self) -> None:
        """Forgets all visitors: what was written of any of them may be erased."""
        self._last.clear()

    def _is_written(self, visitor_id: str, level: str, at: float) -> bool:
        if (known := self._last.get(visitor_id)) is None:
            return level == self._usual
        word, again_at = known
        return level == word.level and at < again_at

    def _remember(self, visitor_id: str, word: ConsentWord) -> None:
        make_room(self._last, MOST_REMEMBERED)
        self._last[visitor_id] = word, word.at + AGAIN_SECONDS


def consents_in(arrivals: Iterable[Arrival]) -> dict[str, ConsentWord]:
    """What arrivals say of the consent of visitors, by the ids of their cookies."""
    return {
        one.via or one.visitor_id: ConsentWord(str(one.traits[LEVEL]), one.event.at)
        for one in arrivals
        if LEVEL in one.traits
    }


def _level_of(consent: Consent) -> str:
    return consent.name.lower()
