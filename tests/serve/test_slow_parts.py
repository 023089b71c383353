"""Which parts are left alone, and when they are tried: on a clock that stands still."""

from __future__ import annotations

import logging

import pytest

from proxy.serve.slow_parts import MOST, SlowParts
from proxy.settings import Settings

SETTINGS = Settings(parts_timeout_ms=500, breaker_failures=3, breaker_seconds=1.0)


class Clock:
    at = 100.0

    def __call__(self) -> float:
        return self.at


def late(slow: SlowParts, clock: Clock, address: bytes = b"shop.example/part", after: float = 0.5) -> bool:
    """Whether it is left alone once somebody has waited so long for it."""
    began = slow.now()
    clock.at += after
    slow.gave_up(address, began)
    return slow.is_slow(address)


def test_one_that_is_late_again_and_again_is_left_alone_until_it_comes(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    slow = SlowParts(SETTINGS, clock)
    part = b"shop.example/part?mail=a%40b.example"
    assert [late(slow, clock, part) for _ in range(4)] == [False, False, True, True]
    assert not slow.is_slow(b"shop.example/other")
    assert caplog.messages == [
        "the part `shop.example/part` takes longer than 500 ms: pages go on without it for a while"
    ]
    clock.at += 1.0
    assert [slow.may_try(part) for _ in range(3)] == [True, False, False]
    slow.came(part)
    assert not slow.is_slow(part)


def test_one_that_comes_in_between_is_not_and_neither_is_one_that_nobody_waited_for() -> None:
    clock = Clock()
    slow = SlowParts(SETTINGS, clock)
    for _ in range(4):
        assert not late(slow, clock)
        assert not late(slow, clock)
        slow.came(b"shop.example/part")
    assert not any(late(slow, clock, after=0.3) for _ in range(9))


def test_what_is_known_of_them_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    clock = Clock()
    slow = SlowParts(SETTINGS, clock)
    for number in range(3 * MOST):
        late(slow, clock, b"shop.example/part?n=%d" % number)
    assert len(slow._breakers) <= MOST
