"""Nothing is looked through while much is made that stays, and what is given up goes bit by bit."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import msgspec
import pytest

from proxy.garbage import YOUNG_OBJECTS, collector_paused, let_go
from proxy.metrics import Decided
from proxy.model import Decision, Visitor
from proxy.page.encode import Assembled
from proxy.personalise import Personalised
from proxy.serve.slot_fills import SlotFills
from proxy.visitors.equivalence import ClassMembership
from proxy.visitors.view_content import Banners
from proxy.visitors.visitor import Verified


@pytest.fixture(autouse=True)
def nothing_left_alone() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_the_collector_rests_until_the_last_is_done() -> None:
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_is_back_when_making_fails() -> None:
    with pytest.raises(ValueError, match="no rules"), collector_paused():
        raise ValueError("no rules")
    assert gc.isenabled()


def test_what_was_made_in_one_go_is_left_alone_and_little_is_not() -> None:
    gc.collect()
    before = gc.get_freeze_count()  # Python 3.12 itself leaves alone what is immortal
    with collector_paused():
        little: list[list[int]] = [[]]
    assert gc.get_freeze_count() == before
    with collector_paused():
        much: list[list[int]] = [[] for _ in range(2 * YOUNG_OBJECTS)]
    assert gc.get_freeze_count() - before > len(much) > len(little)


def test_what_is_let_go_is_freed() -> None:
    class Part:
        pass

    parts: list[object] = [Part() for _ in range(100)]
    freed = threading.Event()
    weakref.finalize(parts[0], freed.set)  # the last that goes
    let_go(parts.pop, linger_seconds=0)
    assert freed.wait(10) and not parts


@pytest.mark.parametrize(
    "kind",
    [Assembled, Banners, ClassMembership, Decided, Decision, Personalised, SlotFills, Verified, Visitor],
)
def test_what_there_is_of_each_visitor_and_each_page_made_is_not_looked_through(kind: type[msgspec.Struct]) -> None:
    assert not kind.__struct_config__.gc
