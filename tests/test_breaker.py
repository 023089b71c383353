"""What fails again and again is left alone, and tried again now and then."""

from __future__ import annotations

import pytest

from proxy.breaker import Breaker
from proxy.settings import Settings


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_pauses_grow_to_ten_seconds(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.note(False)
    pauses = []
    for _ in range(6):
        started = clock.at
        while not breaker.allows():
            clock.at += 0.5
        breaker.note(False)
        pauses.append(clock.at - started)
    assert pauses == [1, 2, 4, 8, 10, 10]


def test_one_read_at_a_time_tries_a_store_that_was_down(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.note(False)
    clock.at += 1
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.note(True)
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_attempts_that_were_cut_off_together_count_as_one(clock: Clock) -> None:
    breaker = Breaker(clock)
    for began in range(4):
        clock.at = began + 0.5
        for _ in range(9):
            breaker.note(False, cut_off_since=began)
        breaker.note(False, cut_off_since=began - 1)
    assert not breaker.is_open
    breaker.note(False, cut_off_since=4)
    assert breaker.is_open


def test_failures_of_one_customer_count_as_one_until_somebody_else_fails(clock: Clock) -> None:
    breaker = Breaker(clock)
    for number in range(100):
        breaker.note(number % 2 == 1, customer="one")
        breaker.note(False, customer="one")
    assert not breaker.is_open
    for customer in ("two", "one", "", "", "three"):
        assert not breaker.is_open
        breaker.note(False, customer=customer)
    assert breaker.is_open


def test_half_of_twenty_failing_opens_it_though_never_five_in_a_row(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(9):
        breaker.note(True)
        breaker.note(False)
    assert not breaker.is_open
    breaker.note(True)
    breaker.note(False)
    assert breaker.is_open


def test_a_few_failures_among_many_successes_leave_it_closed(clock: Clock) -> None:
    breaker = Breaker(clock)
    for number in range(200):
        breaker.note(number % 3 != 0)
    assert not breaker.is_open and breaker.allows()


def test_when_and_for_how_long_are_settings(clock: Clock) -> None:
    breaker = Breaker(clock, Settings(breaker_failures=2, breaker_seconds=3.0, breaker_longest_seconds=4.0))
    breaker.note(False)
    assert breaker.allows()
    breaker.note(False)
    pauses = []
    for _ in range(3):
        started = clock.at
        while not breaker.allows():
            clock.at += 0.5
        pauses.append(clock.at - started)
    assert pauses == [3, 4, 4]


def test_the_share_that_opens_it_is_a_setting(clock: Clock) -> None:
    breaker = Breaker(clock, Settings(breaker_attempts=4, breaker_fraction=0.75, breaker_failures=100))
    for is_success in (False, False, True):
        breaker.note(is_success)
    assert breaker.allows()
    breaker.note(False)
    assert breaker.is_open
