"""One address may send so much; what it sends beyond is refused, until time has passed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proxy.visitors.rate_limiter import BURST_SECONDS, MOST_ADDRESSES, RateLimiter
from tests.visitors.test_collect import FOLDER, HTML, KEYS, OURS, PAGE, SERVER, page
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok


def test_what_is_spent_comes_back_with_time() -> None:
    limiter = RateLimiter(10.0)
    burst = 10.0 * BURST_SECONDS
    assert limiter.spend("a", burst, 0.0)
    assert not limiter.spend("a", 1.0, 0.0)
    assert limiter.spend("b", 1.0, 0.0)
    assert limiter.spend("a", burst, 1.0), "what is left may be overdrawn, as by a body that is larger"
    assert not limiter.spend("a", 1.0, BURST_SECONDS)
    assert limiter.spend("a", 1.0, BURST_SECONDS + 2.0)


def test_a_clock_that_was_set_back_gives_nothing_and_takes_nothing() -> None:
    limiter = RateLimiter(10.0)
    assert limiter.spend("a", 390.0, 1_000.0)
    assert limiter.spend("a", 20.0, 0.0)
    assert not limiter.spend("a", 1.0, 0.0)
    assert limiter.spend("a", 1.0, 2.0)


def test_addresses_are_remembered_up_to_a_limit() -> None:
    limiter = RateLimiter(1.0)
    for number in range(2 * MOST_ADDRESSES):
        assert limiter.spend(str(number), 1.0, 0.0)
    assert len(limiter._spent) <= MOST_ADDRESSES


def test_nothing_is_limited_where_nothing_is_set() -> None:
    assert all(RateLimiter(0.0).spend("a", 1e9, 0.0) for _ in range(9))


@pytest.mark.parametrize(
    ("address", "key", "settings", "last"),
    [
        ("203.0.113.9", "", {}, 429),
        ("2001:db8::7", "tk_1", {}, 429),
        ("203.0.113.9", SERVER, {}, 200),
        ("203.0.113.9", "", {"event_bytes_per_address": 0}, 200),
        ("127.0.0.1", "", {}, 200),
    ],
    ids=["a browser", "an app", "a server", "no limit", "this machine"],
)
async def test_an_address_that_sends_very_much_is_told_to_wait(
    tmp_path: Path, address: str, key: str, settings: dict[str, int], last: int
) -> None:
    limits = {"event_bytes_per_address": 1_000, "trusted_proxies": ("127.0.0.1",), **settings}
    body = json.dumps({"batch": [page(userId="anna", properties={"path": "x" * 30_000})]})
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, write_keys=KEYS, **limits) as shop,
    ):

        async def send(address: str) -> tuple[int, str]:
            fields = {**OURS, "x-forwarded-for": address} | ({"authorization": f"Bearer {key}"} if key else {})
            answer = await shop.client.post("/_tb/v1/batch", content=body, headers=fields)
            return answer.status_code, answer.headers.get("retry-after", "")

        statuses = [await send(address) for _ in range(3)]
        assert statuses == [(200, ""), (200, ""), (last, "1" if last == 429 else "")]
        assert (await send("198.51.100.4"))[0] == 200
        assert (await send(address.replace("::7", "::8")))[0] == last
