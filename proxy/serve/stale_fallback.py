"""Stale pages shown instead of new ones, while an origin is down or too slow (RFC 5861).

Its law: a stale page is shown only for as long as its origin or the operator allows, and if nothing in it forbids it.
"""

from __future__ import annotations

from proxy.httpcache.policy import may_serve_on_error
from proxy.httpcache.response_cache import MarkedKeys
from proxy.processes.clock import SLACK_SECONDS
from proxy.serve.pages import Entry
from proxy.settings import Settings


class StaleFallback:
    """The fallback of one worker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._failed = MarkedKeys()
        self._failed_at = 0.0

    def may(self, stale: Entry | None, now: float) -> bool:
        """Whether the stored page, if any, may be shown when no new one can be had."""
        most = self._settings.stale_if_error_seconds
        return stale is not None and bool(may_serve_on_error(stale.stored, now, default_seconds=most))

    def failed(self, key: bytes, now: float) -> None:
        """Notes that the origin failed for this key: for a while it is not asked again."""
        self._failed_at = now
        self._failed.add(key, "origin-down", until=now + self._settings.origin_down_seconds)

    def must(self, key: bytes, stale: Entry, now: float) -> bool:
        """True during that while, which ends when the clock is set back."""
        if now < self._failed_at - SLACK_SECONDS:
            self._failed.clear()
        return self._failed.reason(key, now) is not None and self.may(stale, now)

    def wait_seconds(self, stale: Entry | None, now: float) -> float | None:
        """How long to wait for a new page before the stale one is shown; None: without limit. A page without a lifetime
        is always validated, however slow the origin is."""
        wait = self._settings.stale_wait_ms / 1_000
        return wait if wait and stale and stale.stored.lifetime > 0 and self.may(stale, now) else None
