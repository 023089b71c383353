from __future__ import annotations

import threading

from proxy.decide.engine import shared_bits_of
from proxy.decide.plan import compile_plan
from proxy.metrics import Decided
from proxy.model import Decision
from proxy.page.encode import AT_ONCE_BYTES, Assembled
from proxy.personalise import Personalised
from proxy.serve.page_memo import PageMemo, PageMemoEntry, outcome_of

SETTLED = Personalised(Assembled([b"a"], 1, b'W/"a"', "gzip", is_settled=True), Decided.by(()))
UNSETTLED = Personalised(Assembled([b"a"], 1, b'W/"a"', "gzip"), Decided.by(()))


def test_only_what_will_not_get_better_is_remembered() -> None:
    page = PageMemoEntry()
    PageMemo().keep(page, "a", 1, UNSETTLED)
    assert page.shown == {} and page.get("a", 1) is None
    PageMemo().keep(page, "a", 1, SETTLED)
    assert (page.get("a", 1), page.get("a", 2), page.get("b", 1)) == (SETTLED, None, None)
    assert SETTLED.pieces is not None and b"".join(SETTLED.pieces) == SETTLED.page.lines + b"\r\na"


def test_what_is_too_large_for_one_piece_is_remembered_without_its_pieces() -> None:
    page, large = PageMemoEntry(), Assembled([b"a" * (AT_ONCE_BYTES + 1)], AT_ONCE_BYTES + 1, b'W/"a"', "gzip", True)
    PageMemo().keep(page, "a", 1, Personalised(large, Decided.by(())))
    kept = page.get("a", 1)
    assert kept is not None and kept.pieces is None


def settled() -> Personalised:
    return Personalised(SETTLED.page, Decided.by(()))


def test_when_there_is_too_much_all_is_forgotten_and_what_comes_next_is_kept() -> None:
    recall, pages = PageMemo(most=4), [PageMemoEntry(), PageMemoEntry()]
    for number in range(5):
        recall.keep(pages[number % 2], "a", number, last := settled())
    assert pages[0].shown == {"a": {4: last}} and pages[1].shown == {}


def test_what_is_found_in_two_ways_takes_its_room_once() -> None:
    recall, page = PageMemo(most=4), PageMemoEntry()
    for number in range(3):
        shown = settled()
        recall.keep_outcome(page, ("gzip", number), shown)
        recall.keep(page, "a", number, shown)
    assert len(page.outcomes) == len(page.shown["a"]) == 3
    recall.keep_outcome(page, ("gzip", 3), settled())
    assert len(page.outcomes) == 1


def test_pages_are_remembered_by_decisions_and_coding() -> None:
    one, same, other = Decision("hero", "a"), Decision("hero", "a"), Decision("bar")
    keys = [outcome_of((one, other), "gzip"), outcome_of((one, other), "zstd"), outcome_of((same, other), "gzip")]
    assert len({*keys}) == 3
    assert outcome_of((one, other), "gzip") == keys[0]


def test_outcomes_and_what_deciding_begins_with_count_and_are_forgotten_with_the_rest() -> None:
    recall, page, shared_bits = PageMemo(most=2), PageMemoEntry(), shared_bits_of(compile_plan([]), (), {}, 0.0)
    recall.keep_outcome(page, ("gzip", 1), first := settled())
    recall.keep_outcome(page, ("gzip", 2), UNSETTLED)
    recall.shared_bits_of(page, "a", shared_bits)
    assert (
        page.outcomes == {("gzip", 1): first} and page.shared_bits("a") is shared_bits and page.shared_bits("b") is None
    )
    assert page.get("a", 1) is None
    recall.keep(page, "a", 1, last := settled())
    assert (page.outcomes, page.shown, page.shared_bits("a")) == ({}, {"a": {1: last}}, None)


def test_a_page_that_is_gone_takes_what_it_was_shown_as_with_it() -> None:
    recall, page = PageMemo(), PageMemoEntry()
    recall.keep(page, "a", 1, SETTLED)
    del page
    recall.forget()
    assert len(recall._pages) == 0


def test_what_is_forgotten_is_not_known_from_then_on_and_freed_by_a_thread() -> None:
    class Shown(Personalised):
        def __del__(self) -> None:
            freed.append(threading.current_thread())
            if len(freed) == 100:
                done.set()

    freed, done = list[threading.Thread](), threading.Event()
    recall, pages = PageMemo(), [PageMemoEntry() for _ in range(3)]
    for number in range(100):
        recall.keep(pages[number % 2], "a", number, Shown(SETTLED.page, ()))
    recall.forget()
    assert [page.shown for page in pages] == [{}, {}, {}]
    assert done.wait(30)
    assert threading.current_thread() not in freed
