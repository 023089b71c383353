"""How many visitors are made at once."""

from __future__ import annotations

from proxy.model import Visitor
from proxy.visitors.claims import MOST_AT_ONCE, FirstCookies, NewVisitor

SECOND = 1_700_000_000


class Maker:
    """Makes visitors with numbers for ids, and notes how many it was asked for at once."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.made = 0

    def __call__(self, second: int, count: int) -> list[NewVisitor]:
        self.asked.append((second, count))
        self.made += count
        return [(Visitor(str(number), float(second)), b"%d" % number) for number in range(self.made - count, self.made)]


def test_the_more_come_in_a_second_the_more_are_made_at_once() -> None:
    maker = Maker()
    cookies = FirstCookies(maker)
    taken = [cookies.take(SECOND + turn / 100) for turn in range(50)]
    assert [count for _, count in maker.asked] == [1, 2, 4, 8, MOST_AT_ONCE, MOST_AT_ONCE, MOST_AT_ONCE]
    assert len({visitor.id for visitor, _ in taken}) == 50
    assert all(cookie.decode() == visitor.id for visitor, cookie in taken)


def test_a_visitor_is_of_the_second_in_which_they_came() -> None:
    maker = Maker()
    cookies = FirstCookies(maker)
    for now in (SECOND, SECOND + 0.5, SECOND + 1.25, SECOND + 0.5):  # the clock may be set back
        assert cookies.take(now)[0].first_seen_at == int(now)
    assert maker.asked == [(SECOND, 1), (SECOND, 2), (SECOND + 1, 1), (SECOND, 1)]
