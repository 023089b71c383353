"""What the visitor of a request has consented to, checked before anything else: consent cookies, and the signals of a
browser that asks not to be profiled. It is valid for this request only; the next one may say otherwise.

    profile      everything
    session      a visitor id for this session; rules see this visit, and nothing older
    contextual   no id, nothing stored of the visitor; rules see the request only
    none         the same, and the view is not recorded, not even anonymously
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from proxy.audience.consent import SOURCES, Source, consent_in
from proxy.audience.windows import visits_of
from proxy.diagnostics import did_you_mean
from proxy.environment import mistaken
from proxy.http.message import Request, cookies_named
from proxy.model import Consent, Profile, Visitor
from proxy.settings import Settings


class Consents:
    """Reads consent cookies and browser signals, by the settings."""

    def __init__(self, settings: Settings) -> None:
        """Raises `OperatorError` for an unknown consent tool."""
        by_name = {source.name: source for source in SOURCES}
        for name in settings.consent:
            if name not in by_name:
                raise mistaken("consent", f"there is no consent tool `{name}`", help=did_you_mean(name, list(by_name)))
        self._sources = tuple(by_name[name] for name in settings.consent)
        self._default = Consent[settings.consent_default.upper()] if self._sources else Consent.PROFILE
        self._honours_signals = settings.privacy_signals

    def of(self, request: Request) -> Consent:
        """The consent of this request: the least that any of the cookies, or the browser, says."""
        return self.level(request.cookies, request.is_private)

    def settled(self, is_private: bool) -> Consent | None:
        """The consent of all requests with or without this browser signal; None where it depends on cookies."""
        return None if self._sources else self.level(b"", is_private)

    def level(self, cookies: bytes, is_private: bool) -> Consent:
        """The consent by a request's cookies, and by whether its browser asks not to be profiled."""
        level = self._in_cookies(cookies) if self._sources else self._default
        return min(level, Consent.CONTEXTUAL) if is_private and self._honours_signals else level

    def _in_cookies(self, cookies: bytes) -> Consent:
        said = [_read(source, value) for source in self._sources for value in cookies_named(source.beginning, cookies)]
        return min(said, default=self._default)


@lru_cache(maxsize=4_096)
def _read(source: Source, cookie: bytes) -> Consent:
    return consent_in(source, cookie)


def allowed(visitor: Visitor, consent: Consent) -> Visitor:
    """The visitor, reduced to what they consent to."""
    if consent is Consent.PROFILE:
        return visitor
    if consent is Consent.SESSION:
        return msgspec.structs.replace(visitor, segments=frozenset(), unverified=frozenset(), consent=consent)
    return Visitor(consent=consent)


def of_this_visit(profile: Profile | None, now: float) -> Profile | None:
    """The part of a profile that counts for a visitor who consents to a session only: the current visit."""
    if profile is None:
        return None
    past = [event for event in profile.history if event.at <= now]
    under_way = [visit for visit in visits_of(past) if not visit.is_over(now)]
    history = tuple(event for event in past if event.at >= under_way[-1].began_at) if under_way else ()
    return Profile(profile.visitor_id, history=history, bucket_key=profile.bucket_key)
