"""What must follow an event, or must not. With measures around it: `test_measures.py`."""

from __future__ import annotations

from math import inf

import pytest

from proxy.audience import followed
from proxy.audience.followed import Followers
from proxy.audience.measures import read
from proxy.model import Event, Item, Measure, Reading, Then

VIEWED, BOUGHT = "product viewed", "order completed"
HOUR = 3_600.0


def event(at: float, kind: str, *products: str) -> Event:
    return Event(at, f"{kind} {at}", kind, "", tuple(map(Item, products)))


@pytest.mark.parametrize(
    ("bought_at", "product", "is_same", "follows"),
    [
        (0.0, "A", True, True),
        (HOUR - 1, "A", True, True),
        (HOUR, "A", True, False),
        (-1.0, "A", True, False),
        (1.0, "B", True, False),
        (1.0, "B", False, True),
    ],
)
def test_what_follows_comes_in_time_and_of_the_same_product_where_it_must(
    bought_at: float, product: str, is_same: bool, follows: bool
) -> None:
    past = sorted([event(0.0, VIEWED, "A"), event(bought_at, BOUGHT, product)])
    then = Then((BOUGHT,), HOUR, wanted=True, same_product=is_same)
    assert Followers(then, past).count(event(0.0, VIEWED, "A"), {"A"}, HOUR) == (follows, inf)


def test_nothing_follows_itself() -> None:
    first, second = event(0.0, VIEWED, "A"), event(1.0, VIEWED, "A")
    then = Then((VIEWED,), HOUR, wanted=True, same_product=True)
    followers = Followers(then, [first, second])
    assert [followers.count(one, {"A"}, HOUR)[0] for one in (first, second)] == [True, False]


def test_what_has_not_followed_counts_once_the_time_is_over() -> None:
    then = Then((BOUGHT,), HOUR, wanted=False)
    followers = Followers(then, [event(0.0, VIEWED, "A")])
    assert followers.count(event(0.0, VIEWED, "A"), {"A"}, 1.0) == (False, HOUR)
    assert followers.count(event(0.0, VIEWED, "A"), {"A"}, HOUR) == (True, inf)


def test_a_long_history_is_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not once for each event: 500 views held up every page of their visitor for 60 ms."""
    asked: list[Event] = []
    monkeypatch.setattr(followed, "matches_kinds", lambda one, kinds: bool(asked.append(one)) or one.kind in kinds)
    history = [event(float(number), VIEWED, "A") for number in range(500)]
    measure = Measure(Reading.COUNT, (VIEWED,), then=Then((BOUGHT,), HOUR, wanted=False, same_product=True))
    assert read(measure, history, 1e6).value(1e6) == 500
    assert len(asked) == len(history)
