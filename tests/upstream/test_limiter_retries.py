"""A tenth of all requests may be sent twice."""

from __future__ import annotations

from proxy.upstream.limiter import RetryBudget


def test_ten_at_first_and_then_a_tenth_of_what_is_sent() -> None:
    budget = RetryBudget(0.1)
    assert [budget.spend() for _ in range(12)] == [True] * 10 + [False] * 2
    spent = 0
    for _ in range(1_000):
        budget.earn()
        spent += budget.spend()
    assert 95 <= spent <= 101


def test_a_long_quiet_time_saves_up_no_more_than_ten() -> None:
    budget = RetryBudget(0.1)
    for _ in range(10_000):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) == 10


def test_without_a_share_nothing_is_sent_twice() -> None:
    budget = RetryBudget(0.0)
    budget.earn()
    assert not budget.spend()
