from __future__ import annotations

import pytest

from proxy.httpcache.stored import CacheOptions, stored_response
from proxy.serve.fetching import StaleFallback
from proxy.serve.pages import Entry
from proxy.settings import Settings
from tests.wire.site import NOON


def stale(control: bytes = b"max-age=60") -> Entry:
    headers = (b"content-type", b"text/html"), (b"cache-control", control)
    return Entry(stored_response(200, headers, b"<p>", NOON - 120, NOON - 120, CacheOptions()), (), ())


@pytest.mark.parametrize(
    ("entry", "settings", "may", "seconds"),
    [
        (stale(), {}, True, 2.0),
        (stale(), {"stale_wait_ms": 50}, True, 0.05),
        (stale(), {"stale_wait_ms": 0}, True, None),
        (stale(), {"stale_if_error_seconds": 59}, False, None),
        (stale(b"max-age=60, stale-if-error=59"), {}, False, None),
        (stale(b"max-age=60, must-revalidate"), {}, False, None),
        (stale(b"max-age=0"), {}, True, None),
        (None, {}, False, None),
    ],
    ids=["as it comes", "sooner", "never", "too stale", "the origin's word", "forbidden", "no lifetime", "none stored"],
)
def test_what_may_stand_in_is_waited_for_less(
    entry: Entry | None, settings: dict[str, int], may: bool, seconds: float | None
) -> None:
    fallback = StaleFallback(Settings(**settings))  # type: ignore[arg-type]
    assert fallback.may(entry, NOON) == may
    assert fallback.wait_seconds(entry, NOON) == seconds


def test_after_a_failure_nobody_asks_for_a_while() -> None:
    fallback, page = StaleFallback(Settings(origin_down_seconds=2.0)), stale()
    assert not fallback.must(b"key", page, NOON)
    fallback.failed(b"key", NOON)
    assert [fallback.must(b"key", page, NOON + after) for after in (0, 1.9, 2.0)] == [True, True, False]
    assert not fallback.must(b"another", page, NOON)
    fallback.failed(b"key", NOON + 86_400)
    assert not fallback.must(b"key", page, NOON), "the clock was set back"
    assert not fallback.must(b"key", stale(b"max-age=60, must-revalidate"), NOON)
