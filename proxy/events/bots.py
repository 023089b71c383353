"""Requests that are not counted: crawlers and scripts by their User-Agent, and browsers that fetch a page in
advance."""

from __future__ import annotations

from functools import lru_cache

from crawleruseragents import is_crawler

MAX_BYTES = 512


def is_bot(user_agent: bytes) -> bool:
    """True for a known crawler, a script, or an empty User-Agent. One that was not seen lately takes 0.2 ms."""
    return _is_bot(user_agent[:MAX_BYTES])


@lru_cache(maxsize=4_096)
def _is_bot(user_agent: bytes) -> bool:
    text = user_agent.decode("latin-1").strip()
    return not text or is_crawler(text)


def is_ahead_of_time(purpose: bytes) -> bool:
    """True when a browser fetches a page in advance, by the field Sec-Purpose, or the older Purpose."""
    words = purpose.lower()
    return b"prefetch" in words or b"prerender" in words or b"preview" in words
