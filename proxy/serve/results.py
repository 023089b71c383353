"""What visitors did after they met a rule or an experiment, counted over all of a store's log: for the command at once,
for the studio by a process of its own, since it takes as long as the log is, and pages do not wait.

The process reads no setting and opens nothing but the store: it is asked by its input and answers by its output.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from math import inf
from time import monotonic

import msgspec

from proxy.audience.parts import most_parts, part_of
from proxy.audience.results import Comparison, Results, holdout_name
from proxy.audience.stored_results import PackedResults, ResultsStatus, StoredResults
from proxy.conditions.localtime import midnight
from proxy.ending import ended
from proxy.errors import OperatorError, StoreError, TailorbirdError
from proxy.memo import make_room
from proxy.model import Holdout
from proxy.ports import Bus, Store
from proxy.rulebook.compile import Publication
from proxy.stores import exists, open_store
from proxy.stores.logs import logs
from proxy.turns import give_way

log = logging.getLogger("tailorbird.results")

COUNTED = "results"
"""The topic on which workers tell each other what one of them has counted, so that one of them is enough."""
LONGEST_SECONDS = 600.0
MOST_KEPT = 8
MOST_GONE = 100
"""Whoever may send events may name rules that never were."""


Key = tuple[str, int, str]
"""The rules' version, the days and the parts of kept results."""


class Question(msgspec.Struct, frozen=True, array_like=True):
    """What the process is asked: which store, what rules there are and whom they hold out, from when on choices count,
    and in which parts, "" for none, by which time zone's days."""

    url: str
    rules: frozenset[str]
    holdouts: tuple[Holdout, ...]
    since: float
    by: str = ""
    timezone: str = "UTC"


async def counted(
    store: Store,
    holdouts: Sequence[Holdout],
    since: float,
    until: float,
    by: str = "",
    timezone: str = "UTC",
) -> Results:
    """Everybody in the log who met a choice first from `since` until before `until`; in parts `by` something, "" for
    none (`audience/parts.py`), on the clocks of this time zone. May raise `StoreError`."""
    results = Results(holdouts, since, until, part_of(by, timezone), most_parts(by))
    async for person in logs(store):
        results.add(person.arrivals, person.bucket_key)
    results.sum_up()
    return results


class KeptResults:
    """Results for the studio. What was counted is kept for a while, and told to the other workers of the machine."""

    def __init__(self, url: str, machine: Bus, clock: Callable[[], float]) -> None:
        self._url, self._machine, self._clock = url, machine, clock
        self._kept: dict[Key, StoredResults] = {}
        self._under_way: dict[Key, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        machine.listen(COUNTED, self._hear)

    async def look(self, publication: Publication, days: int, by: str, patience: float) -> ResultsStatus:
        """The results of who met a choice first within so many days, 0 for all, in parts by a row of `BY`, "" for
        none: as they are kept, else as they are `patience` seconds from now. Has them counted where they are not
        fresh."""
        key = publication.version, days, by
        kept, problem = self._kept.get(key), ""
        if kept is None or not kept.is_fresh(self._clock()):
            task = self._under_way.get(key) or self._begin(publication, days, by)
            await asyncio.wait({task}, timeout=0 if kept else patience)
            if task.done() and not task.cancelled() and (error := task.exception()):
                problem = str(error)
        return ResultsStatus(self._kept.get(key), key in self._under_way, problem)

    async def aclose(self) -> None:
        """Ends what is under way; idempotent."""
        await ended(*self._under_way.values())

    def _begin(self, publication: Publication, days: int, by: str) -> asyncio.Task[None]:
        key = publication.version, days, by
        task = self._under_way[key] = asyncio.create_task(self._count(publication, days, by))
        task.add_done_callback(lambda done: self._end(key, done))
        return task

    def _end(self, key: Key, task: asyncio.Task[None]) -> None:
        self._under_way.pop(key, None)
        if not task.cancelled() and (error := task.exception()):
            log.error("results could not be counted: %s", error)

    async def _count(self, publication: Publication, days: int, by: str) -> None:
        async with self._turn:  # one process at a time
            began, now = monotonic(), self._clock()
            names = frozenset(rule.name for rule in publication.rules)
            timezone = publication.timezone
            since = midnight(now, days, timezone) if days else -inf
            question = Question(self._url, names, publication.plan.holdouts, since, by, timezone)
            found = await _counted_in_process(question)
        kept = StoredResults(publication.version, days, by, now, monotonic() - began, found)
        self._keep(kept)
        if not self._machine.is_alone:
            await self._machine.publish(COUNTED, msgspec.msgpack.encode(kept))

    async def _hear(self, message: bytes) -> bytes:
        kept = msgspec.msgpack.decode(message, type=StoredResults)
        own = self._kept.get((kept.version, kept.days, kept.by))
        if own is None or own.at < kept.at:
            self._keep(kept)
        return b""

    def _keep(self, kept: StoredResults) -> None:
        key = kept.version, kept.days, kept.by
        self._kept.pop(key, None)
        make_room(self._kept, MOST_KEPT)
        self._kept[key] = kept


# -- the process


async def _counted_in_process(question: Question) -> PackedResults:
    """Has it counted. Raises `StoreError`."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy.serve.results"), stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            answer, complaints = await process.communicate(msgspec.msgpack.encode(question))
    except TimeoutError:
        minutes = LONGEST_SECONDS / 60
        raise StoreError(
            f"counting takes longer than {minutes:.0f} minutes", help="`tailorbird results` takes the time it needs"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = complaints.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise StoreError(" ".join(last) or f"counting ended with {process.returncode}")
    return msgspec.msgpack.decode(answer, type=PackedResults)


def main() -> None:
    """Answers the question that is the input."""
    give_way()
    signal.alarm(round(LONGEST_SECONDS) + 1)  # whoever asked may be gone
    question = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Question)
    try:
        results = asyncio.run(_answered(question))
    except TailorbirdError as error:
        sys.exit(str(error))
    known = known_of(results.comparisons, question)
    parts = {name: of for name, of in results.parts.items() if name in known}
    sys.stdout.buffer.write(msgspec.msgpack.encode(PackedResults.of(results.visitors, known, parts)))


async def _answered(question: Question) -> Results:
    if not exists(question.url):  # it would be made, in the place of the one that pages still write to
        raise OperatorError("the store's file was taken away")
    async with contextlib.aclosing(open_store(question.url)) as store:
        return await counted(store, question.holdouts, question.since, inf, question.by, question.timezone)


def known_of(of: Mapping[str, Comparison], question: Question) -> dict[str, Comparison]:
    """The comparisons of rules and holdouts that there are, and of the others those that most visitors met."""
    names = question.rules.union(map(holdout_name, question.holdouts))
    gone = [name for name in of if name not in names]
    most = sorted(gone, key=lambda name: -sum(tally.visitors for tally in of[name].groups.values()))[:MOST_GONE]
    kept = names.union(most)
    return {name: comparison for name, comparison in of.items() if name in kept}


if __name__ == "__main__":
    main()
