"""Threads of a worker take short turns, and some leave theirs to others, where the system lets them."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proxy import turns
from proxy.turns import (
    CORE_SECONDS,
    FEW,
    NICE,
    TURN_SECONDS,
    Scheduling,
    give_way,
    in_turns,
    scheduling,
    take_short_turns,
)


@pytest.fixture(autouse=True)
def interval() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def told() -> Scheduling:
    try:
        return scheduling()
    except OSError as error:
        pytest.skip(f"the system does not tell: {error}")


def in_a_thread(work: Callable[[], object]) -> None:
    """This thread stays as it is."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(work).result()


def test_a_thread_takes_short_turns_and_so_do_those_that_it_starts_but_for_one_that_gives_way() -> None:
    usual = told()

    def starts() -> None:
        take_short_turns()
        short = scheduling()
        assert short == usual._replace(turn_ns=short.turn_ns), "nothing else changes"
        if usual.turn_ns:  # from Linux 6.12
            assert short.turn_ns == CORE_SECONDS * 1e9

        def started() -> None:
            assert scheduling() == short
            for _ in range(2):
                give_way()
                gentle = scheduling()
                assert gentle == usual._replace(nice=NICE, turn_ns=gentle.turn_ns)
                assert gentle.turn_ns > short.turn_ns or not usual.turn_ns

        in_a_thread(started)
        assert scheduling() == short

    in_a_thread(starts)
    assert scheduling() == usual
    assert sys.getswitchinterval() == pytest.approx(TURN_SECONDS)


def test_a_waiting_thread_gets_the_interpreter_between_turns() -> None:
    sys.setswitchinterval(60)
    gate, had = threading.Lock(), threading.Event()

    def waits() -> None:
        with gate:
            had.set()

    with gate:
        waiting = threading.Thread(target=waits)
        waiting.start()
    for _ in in_turns(range(1_000_000 * FEW)):
        if had.is_set():
            break
    assert had.is_set()
    waiting.join()


@pytest.mark.skipif(sys.platform != "linux", reason="this reads what Linux tells of a thread")
def test_who_waits_for_the_core_gets_it_between_turns() -> None:
    cores = os.sched_getaffinity(0)

    def takes_turns() -> None:
        os.sched_setaffinity(0, {min(cores)})
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:  # on the same core
            time.sleep(0.1)
            before = switches()
            for _ in in_turns(range(1_000 * FEW)):  # some milliseconds
                pass
            after = switches()
            other.kill()
        assert after - before > 20, "Linux by itself would take it away twice"

    def switches() -> int:
        told = Path("/proc/thread-self/status").read_text()
        return int(told.partition("nonvoluntary_ctxt_switches:")[2])

    in_a_thread(takes_turns)


@pytest.mark.parametrize("many", [0, 1, FEW, FEW + 1, 3 * FEW])
def test_all_are_there_a_few_at_a_time(many: int) -> None:
    pieces = list(in_turns(range(many)))
    assert [one for some in pieces for one in some] == list(range(many))
    assert all(len(some) <= FEW for some in pieces)


@pytest.mark.parametrize(
    ("calls", "why"), [({}, "no such call"), ({platform.machine(): (10_000, 10_000)}, "not implemented")]
)
def test_a_system_that_has_no_such_calls_goes_on_as_it_is(
    calls: dict[str, tuple[int, int]], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_CALLS", calls)
    with pytest.raises(OSError, match=why if sys.platform == "linux" else "no such call"):
        scheduling()

    def works() -> None:
        take_short_turns()
        give_way()

    in_a_thread(works)
    assert sys.getswitchinterval() == pytest.approx(TURN_SECONDS)
