"""Filling the cache behind a visitor's own request: when its answer looks as if everybody would get the same, that is
fetched for everybody, in the background.

The answer itself is never stored: it was given to one visitor. Nor is a part of an asset; but players of video and
readers of documents may ask for nothing but parts, so the whole is fetched once, if it may be kept.
"""

from __future__ import annotations

from collections.abc import Callable

from proxy.http.target import Sought
from proxy.httpcache.policy import may_store
from proxy.httpcache.ranges import whole_length
from proxy.httpcache.response_cache import MarkedKeys
from proxy.httpcache.stored import CacheOptions
from proxy.ports import UpstreamResponse
from proxy.serve.fetching import Fetching
from proxy.settings import Settings


class FillBehind:
    """Starts a shared fetch for what was asked, if the `answer` to the visitor's own request looks shareable and the
    key is not known to be otherwise."""

    def __init__(self, fetching: Fetching, marks: MarkedKeys, settings: Settings, clock: Callable[[], float]) -> None:
        self._fetching = fetching
        self._marks = marks
        self._choices = CacheOptions.of(settings)
        self._most_bytes = settings.max_stored_bytes
        self._clock = clock

    def __call__(self, asked: Sought, answer: UpstreamResponse) -> None:
        now = self._clock()
        if self._marks.reason(asked.key, now) is None and self._seems_for_all(asked, answer, now):
            self._fetching.in_background(asked, None)

    def _seems_for_all(self, asked: Sought, answer: UpstreamResponse, now: float) -> bool:
        status, headers, choices = answer.status, answer.headers, self._choices
        if status == 206:
            length = whole_length(headers)
            if length is None or length > self._most_bytes:
                return False
            status = 200
        if asked.policy is not None:
            overrides = asked.policy.overrides
            headers = overrides.without_vary_cookie(overrides.stored_headers(headers, status, now, choices))
            choices = overrides.with_own_field(choices)
        return bool(may_store(b"GET", (), status, headers, now, choices))
