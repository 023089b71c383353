"""Records page views, so that `tailorbird plan` can decide them again with other rules.

On the path of a request this is one comparison, and now and then an append; once a second the noted pages become
`View`s, one at a time, and go to the store. A view holds the values that rules used, and those of the request that name
nobody: never a name shown by a banner, and what a visitor typed or chose only if a rule uses it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from proxy.conditions.localtime import CLOCK_ATTRIBUTES
from proxy.decide.engine import caps_read, decide
from proxy.decide.plan import JOURNEY, Plan
from proxy.errors import StoreError
from proxy.events.bots import is_bot
from proxy.metrics import Metrics
from proxy.model import AttributeValue, Decision, EvaluationContext, View, measure_name, shown_name
from proxy.ports import ViewLog
from proxy.visitors.context import REQUEST_ATTRIBUTES, Seen, values_of

log = logging.getLogger("tailorbird.recording")

TYPED = "search term"
OF_THE_REQUEST = frozenset(REQUEST_ATTRIBUTES) - {TYPED}
BURST_SECONDS = 1.0
MOST_WAITING = 100_000
VIEWS = "tailorbird_views_recorded_total"
FLUSH_SECONDS = 1.0


class SampledPage(NamedTuple):
    """A decided page, as it is noted when it is answered."""

    plan: Plan
    seen: Seen
    context: EvaluationContext
    decisions: tuple[Decision, ...]


class Recorder:
    """Samples views: at most `a_second` each second, spread evenly. A page is noted once `due_at` has come."""

    def __init__(self, a_second: float = 0.0) -> None:
        self._step = 1 / a_second if a_second else inf
        self.due_at = -inf if a_second else inf
        self._noted: deque[SampledPage] = deque()

    def note(self, noted: SampledPage) -> None:
        """Notes a view, unless recording is off."""
        if len(self._noted) < MOST_WAITING:
            self._noted.append(noted)
        saved_up = max(BURST_SECONDS - self._step, 0.0)
        self.due_at = max(self.due_at, noted.context.now - saved_up) + self._step

    def take(self) -> Iterator[View]:
        """Yields the noted views, without those of crawlers."""
        while self._noted:
            noted = self._noted.popleft()
            agent = noted.seen.request.get(b"user-agent")
            if agent is None or not is_bot(agent):
                yield view_of(noted)


def view_of(noted: SampledPage) -> View:
    """The record of a page. A row without products is recorded as it was decided, before the next rule was tried: that
    is what deciding the view again gives."""
    context = noted.context
    slots = [decision.slot for decision in noted.decisions]
    names = noted.plan.inputs_of(slots).attributes - {*CLOCK_ATTRIBUTES, JOURNEY}
    asked = {cap.measure for caps in caps_read(noted.plan, context, slots).values() for cap in caps}
    attributes = dict(_attributes(noted, names))
    return View(
        at=context.now,
        version=noted.plan.version,
        shown={slot: shown_name(decision) for slot, decision in decide(noted.plan, context, slots).items()},
        attributes=attributes,
        unknown=tuple(sorted((names | OF_THE_REQUEST) - attributes.keys())),
        visitor=context.targeting_key,
        unverified=context.unverified,
        channel=context.channel,
        bucket_key=context.bucket_key,
        readings={measure_name(measure): context.read(measure) for measure in asked},
    )


def _attributes(noted: SampledPage, asked: frozenset[str]) -> Iterator[tuple[str, AttributeValue]]:
    said = zip(OF_THE_REQUEST, values_of(OF_THE_REQUEST, noted.seen, None, {}), strict=True)
    yield from ((name, value) for name, value in said if value is not None)
    yield from ((name, value) for name, value in noted.context.attributes.items() if name in asked)


class Keeper:
    """Writes the recorded views to the store: once a second, and on request."""

    def __init__(self, recorder: Recorder, views: ViewLog, *, most: int, metrics: Metrics) -> None:
        self._recorder = recorder
        self._views = views
        self._most = most
        self._metrics = metrics
        self._taken: list[View] = []
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Stores what was noted once a second, and once more when cancelled."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                await self.flush()
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await self.flush()

    async def flush(self) -> None:
        """Returns when the views noted before are in the store, or lost."""
        async with self._one_at_a_time:
            for view in self._recorder.take():
                self._taken.append(view)
                await asyncio.sleep(0)  # a few at once would hold up a page for half a millisecond
            taken, self._taken = self._taken, []
            if not taken:
                return
            try:
                await self._views.put_views(taken, most=self._most)
            except StoreError as error:
                log.debug("%s views were not recorded: %s", len(taken), error)
                self._metrics.count(VIEWS, "outcome", "lost", len(taken))
            else:
                self._metrics.count(VIEWS, "outcome", "kept", len(taken))
