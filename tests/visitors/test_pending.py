"""Views of pages that nobody has looked at yet, and whoever looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import pytest

from proxy.metrics import Decided, Metrics
from proxy.model import Decision
from proxy.page.encode import Assembled
from proxy.page.page_subject import PageSubject
from proxy.personalise import Personalised
from proxy.settings import Settings
from proxy.visitors.capture import Capture, Page
from proxy.visitors.pending import FLUSH_AT, SHORT, STEP, Pending, ServedFrom, ServedPage
from proxy.visitors.remembered import MISSING
from proxy.visitors.view_content import ViewContent
from proxy.visitors.visitor import Cookies
from tests.visitors.test_journal import NOON, World, seen
from tests.wire.asking import asking

HOME = ViewContent("/", {})
PAGE = Page(PageSubject(), HOME)
UNCOUNTED = Page(PageSubject(), None)
QUESTION = asking()
SOURCE = ServedFrom(QUESTION, HOME, b"cache-status: tailorbird; hit; ttl=7\r\n")
DECIDED = Decided.by((Decision("hero", "b", rule="Sale"),))
SALE = Personalised(Assembled([b"a"], 1, b'W/"a"', "identity"), DECIDED)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.journal.aclose()
    await made.profiles.aclose()
    await made.store.aclose()


@pytest.fixture
def capture(world: World) -> Capture:
    return Capture(world.journal, Cookies("secret" * 8), Settings())


def page(at: float, *, is_whole: bool = True) -> ServedPage:
    return at, "anna", SOURCE, SALE, SALE.page if is_whole else None, {}, "192.0.2.7"


class Shown(Metrics):
    """Metrics that note how many pages they were told of at once."""

    def __init__(self) -> None:
        super().__init__()
        self.many: list[int] = []

    def show_all(self, shown: Iterable[tuple[float, bytes, Decided]]) -> None:
        pages = list(shown)
        self.many.append(len(pages))
        super().show_all(pages)


class Faulty(Metrics):
    """Metrics that cannot be told of pages."""

    def show_all(self, shown: Iterable[tuple[float, bytes, Decided]]) -> None:
        raise ValueError("a fault")


def test_reading_counts_or_last_pages_counts_pending_views() -> None:
    metrics = Metrics()
    pending = Pending(metrics)
    pending.add(page(1.0))
    assert metrics.by_value("tailorbird_rule_matches_total") == {"Sale": 1}
    pending.add(page(3.0))
    metrics.show(2.0, b"/between", SALE.decided)
    assert [shown.path for shown in metrics.live] == ["/", "/between", "/"]
    assert metrics.by_value("tailorbird_rule_matches_total") == {"Sale": 3}


def test_what_others_count_and_log_is_told_as_a_view_alone() -> None:
    metrics, counted, logged = Metrics(), list[ServedPage](), list[ServedPage]()
    pending = Pending(metrics)
    pending.set_counter(counted.extend, lambda: None)
    pending.set_logger(logged.extend, lambda: None)
    pending.add(page(1.0))
    pending.add(page(2.0, is_whole=False))
    pending.flush()
    assert [[at for at, *_ in told] for told in (counted, logged)] == [[1.0, 2.0], [1.0]]
    assert [shown.at for shown in metrics.live] == [1.0]


def test_each_view_is_counted_once_though_counting_asks_for_what_is_pending() -> None:
    pending, counted = Pending(), list[ServedPage]()

    def count(views: Sequence[ServedPage]) -> None:
        pending.flush()
        counted.extend(views)

    pending.set_counter(count, lambda: None)
    pending.add(page(1.0))
    pending.add(page(2.0))
    pending.flush()
    pending.flush()
    assert [at for at, *_ in counted] == [1.0, 2.0]


async def test_asking_for_behaviour_counts_pending_views(world: World, capture: Capture) -> None:
    await world.journal.record([seen("anna", 1)], 100)
    await world.history("anna")
    for number, looks in enumerate(
        [
            lambda: world.profiles.remembered("anna", NOON),
            lambda: world.profiles.held("anna"),
            lambda: world.profiles.memory.stale("anna", NOON),
        ],
        2,
    ):
        capture.note_again(NOON, QUESTION, PAGE, "anna", None)
        profile = looks()
        assert profile is not None
        assert profile is not MISSING
        assert len(profile.history) == number


async def test_a_profile_that_is_read_meanwhile_is_read_with_what_is_pending(world: World, capture: Capture) -> None:
    capture.note_again(NOON, QUESTION, PAGE, "ben", None)
    assert len(await world.history("ben")) == 1


async def test_pages_that_ask_for_no_behaviour_leave_views_pending(world: World, capture: Capture) -> None:
    capture.note_again(NOON, QUESTION, PAGE, "anna", None)
    world.profiles.remembered("anna", NOON, has_news=False)
    assert len(world.profiles.pending.pages) == 1


async def test_what_is_pending_comes_to_the_store_though_nobody_asks(world: World, capture: Capture) -> None:
    capture.note_again(NOON, QUESTION, PAGE, "anna", None)
    capture.note_again(NOON, QUESTION, UNCOUNTED, "anna", None)
    await world.journal.aclose()
    assert [one.event.subject for one in await world.store.log_of("anna")] == ["/"]


async def test_many_pages_are_counted_shown_and_logged_in_three_turns_of_the_loop() -> None:
    metrics = Shown()
    pending, counted, logged, shown = Pending(metrics), list[int](), list[int](), metrics.many
    pending.set_counter(lambda pages: counted.append(len(pages)), lambda: None)
    pending.set_logger(lambda pages: logged.append(len(pages)), lambda: None)
    for enough, searches in ((FLUSH_AT, list[str]), (SHORT, pending.visitor_ids), (FLUSH_AT, list[str])):
        for told in (counted, shown, logged):
            told.clear()
        for number in range(enough):
            assert len(pending.pages) == number
            searches()
            pending.add(page(number))
        assert not counted  # the last is to be answered first
        step = min(STEP, enough // 2)
        for turn in range(enough // STEP):
            for told in (counted, shown, logged):
                before = [len(one) for one in (counted, shown, logged)]
                await asyncio.sleep(0)
                assert told == [step] * (turn + 1)
                assert sum(map(len, (counted, shown, logged))) == sum(before) + 1
        await asyncio.sleep(0)
        assert len(pending.pages) < STEP
        pending.flush()


@pytest.mark.parametrize(("is_searched", "most"), [(False, FLUSH_AT), (True, SHORT)])
async def test_however_many_pages_come_in_each_turn_the_list_stays_short(is_searched: bool, most: int) -> None:
    pending = Pending()
    for _ in range(20):
        for _ in range(2 * STEP):
            if is_searched:
                pending.visitor_ids()
            pending.add(page(1.0))
        await asyncio.sleep(0)
    assert len(pending.pages) <= most + 6 * STEP  # those of the turns that show and log, and of the next


async def test_however_many_ask_for_a_flush_a_turn_has_one_step() -> None:
    metrics = Shown()
    pending, steps = Pending(metrics), list[str]()
    pending.set_counter(lambda _: steps.append("count"), lambda: None)
    pending.set_logger(lambda _: steps.append("log"), lambda: None)
    for _ in range(3 * STEP):
        pending.add(page(1.0))
    pending.flush_in_steps()
    asked = [asyncio.create_task(pending.flushed()) for _ in range(2)]
    most = 0
    while not all(one.done() for one in asked):
        before = len(steps) + len(metrics.many)
        await asyncio.sleep(0)
        most = max(most, len(steps) + len(metrics.many) - before)
    assert (most, len(pending.pages), len(metrics.many)) == (1, 0, 3)
    assert steps == ["count", "log"] * 3


async def test_who_waits_for_a_flush_is_told_of_one_at_once() -> None:
    pending, logged = Pending(), list[int]()
    pending.set_logger(lambda pages: logged.append(len(pages)), lambda: None)
    for _ in range(2 * STEP):
        pending.add(page(1.0))
    asked = asyncio.create_task(pending.flushed())
    await asyncio.sleep(0)
    pending.flush()
    await asyncio.wait_for(asked, 5)
    assert sum(logged) == 2 * STEP


async def test_a_fault_in_a_step_leaves_nobody_waiting() -> None:
    pending, counted = Pending(Faulty()), list[int]()
    pending.set_counter(lambda pages: counted.append(len(pages)), lambda: None)
    for _ in range(2 * STEP):
        pending.add(page(1.0))
    told = list[str]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context["exception"])))
    await asyncio.wait_for(pending.flushed(), 5)
    assert (counted, told) == ([STEP, STEP], ["a fault"] * 2)


async def test_pages_that_come_while_others_are_flushed_in_steps_are_scheduled_again() -> None:
    pending, counted, scheduled = Pending(), list[int](), list[str]()
    pending.set_counter(lambda pages: counted.append(len(pages)), lambda: scheduled.append("count"))
    pending.set_logger(lambda _: None, lambda: scheduled.append("log"))
    for _ in range(2 * STEP):
        pending.add(page(1.0))
    scheduled.clear()
    flushing = asyncio.create_task(pending.flushed())
    await asyncio.sleep(0)
    for _ in range(3):
        pending.add(page(2.0))
    await flushing
    assert counted == [STEP, STEP]
    assert len(pending.pages) == 3
    assert scheduled == ["count", "log"]


async def test_a_view_that_cannot_be_counted_costs_no_other(
    world: World, capture: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    capture.note_again(
        NOON, QUESTION, Page(PageSubject(), ViewContent("/", {}, [("searched", object())])), "anna", None
    )  # type: ignore[arg-type]
    capture.note_again(NOON, QUESTION, PAGE, "ben", None)
    assert len(await world.history("ben")) == 1
    assert "what a page told is lost" in caplog.text
