"""What follows from who did what, and when."""

from __future__ import annotations

import pytest

from proxy.errors import OperatorError
from proxy.stores.history import Action, Entry, as_it_was, before, is_live_as_saved, made_live, must_wait_for, overtaken

PUBLISHED, LOADED, REQUESTED = Action.PUBLISHED, Action.LOADED, Action.REQUESTED
APPROVED, ROLLED_BACK, PAUSED = Action.APPROVED, Action.ROLLED_BACK, Action.PAUSED


def history(*happened: tuple[Action, int]) -> list[Entry]:
    """All by Mia."""
    return [Entry(float(at), action, version, author="Mia") for at, (action, version) in enumerate(happened)]


@pytest.mark.parametrize(
    ("actions", "as_saved"),
    [
        ([], False),
        ([PUBLISHED], False),
        ([LOADED], True),
        ([LOADED, ROLLED_BACK, PAUSED], True),
        ([LOADED, PUBLISHED, ROLLED_BACK], False),
        ([PUBLISHED, LOADED], True),
    ],
)
def test_it_tells_how_rules_become_live(actions: list[Action], as_saved: bool) -> None:
    assert is_live_as_saved([Entry(1.0, action) for action in actions]) is as_saved


def test_what_is_live_was_made_so_last_by_who_went_back_to_it() -> None:
    happened = history((PUBLISHED, 1), (PUBLISHED, 2), (ROLLED_BACK, 1), (REQUESTED, 1), (PAUSED, 1))
    assert [made_live(happened, live) for live in (1, 2, 3)] == [2, 1, -1]


def test_before_a_version_is_the_latest_that_was_live() -> None:
    happened = history((PUBLISHED, 1), (REQUESTED, 2), (PUBLISHED, 3), (ROLLED_BACK, 1), (PUBLISHED, 4))
    assert [before(live, happened) for live in (4, 3)] == [3, 1]
    with pytest.raises(OperatorError, match="no version was live before"):
        before(1, happened)


def test_the_live_version_overtook_what_was_live_until_then() -> None:
    happened = history((LOADED, 1), (LOADED, 2), (REQUESTED, 9), (PAUSED, 2), (ROLLED_BACK, 1), (LOADED, 1))
    assert overtaken(1, happened) == 2
    assert overtaken(2, happened) == 1
    assert overtaken(1, history((LOADED, 1))) is None
    assert overtaken(7, happened) is None


def test_a_request_waits_for_somebody_else_until_another_version_is_live() -> None:
    happened = history((PUBLISHED, 1), (REQUESTED, 2))
    assert must_wait_for(2, happened, "Sam") == happened[1]
    for number, by, problem in ((3, "Sam", "nobody asked"), (2, "MIA", "somebody else")):
        with pytest.raises(OperatorError, match=problem):
            must_wait_for(number, happened, by)
    with pytest.raises(OperatorError, match="version 3 went live since"):
        must_wait_for(2, [*happened, *history((APPROVED, 3))], "Sam")


def test_a_past_moment_has_the_version_and_the_pauses_of_then() -> None:
    history = [
        Entry(10, Action.PUBLISHED, 1),
        Entry(20, Action.PAUSED, 1, what="rule Sale"),
        Entry(30, Action.REQUESTED, 2),
        Entry(40, Action.APPROVED, 2),
        Entry(50, Action.RESUMED, 2, what="rule Sale"),
    ]
    assert [as_it_was(history, at) for at in (9, 10, 30, 40, 50)] == [
        (0, set()),
        (1, set()),
        (1, {"rule Sale"}),
        (2, {"rule Sale"}),
        (2, set()),
    ]
