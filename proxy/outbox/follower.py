"""Finding out who entered or left a segment, for the process that has the lead.

A visitor is looked at when an event of theirs is in the log, at the moment when time alone may change something, and in
a sweep over all visitors: when the rules or webhooks are others than at the last, and once a day for what cannot be
foreseen, as a segment that asks the weekday, or a profile that has expired. Whose event a crash may have kept out of a
server's log is looked at a moment later (`unfinished.py`). What is found is compared with what was told, so looking
twice tells nothing twice.

When too much waits to be told nobody is looked at: what happens meanwhile is told as one change later.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from math import inf

import msgspec
from msgspec.structs import replace

from proxy.audience.consent import LEVEL
from proxy.errors import DamagedValueError
from proxy.metrics import Metrics
from proxy.model import Consent, Delivery, Followed, Profile, Standing
from proxy.outbox.changes import changed
from proxy.outbox.unfinished import Unfinished
from proxy.ports import Outbox, Store
from proxy.rulebook.compile import Publication
from proxy.rulebook.segment_reader import SegmentReader
from proxy.rulebook.webhookfile import Webhook, told_of

log = logging.getLogger("tailorbird.outbox")

AT_ONCE = 200
A_TURN = 5
"""So many visitors are looked at before requests have their turn: each takes up to a millisecond."""
MOST_WAITING = 100_000
COUNT_SECONDS = 5.0
SWEEP_SECONDS = 86_400.0
SOON_SECONDS = 60.0
"""Who is looked at so soon after they were due changed at that moment."""
BEGUN = "begun"
AGREED = Consent.PROFILE.name.lower()
CHANGES = "tailorbird_segment_changes_total"


class Follower:
    """Looks at visitors batch by batch and queues a message for each segment entered or left. `publication` returns the
    rules that are live."""

    def __init__(
        self,
        name: str,
        store: Store,
        outbox: Outbox,
        webhooks: Sequence[Webhook],
        publication: Callable[[], Publication | None],
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._store = store
        self._outbox = outbox
        self._webhooks = webhooks
        self._publication = publication
        self._metrics = metrics
        self._clock = clock
        self._unfinished = Unfinished(store)
        self._sweep: AsyncIterator[str] | None = None
        self._sweep_of = ("", 0.0)
        self._is_full = False
        self._counted_at = -inf
        self._rules: tuple[Publication | None, str] = (None, "")

    async def step(self) -> bool:
        """Looks at one batch of each kind; False when nothing more is to be done for now. May raise `StoreError`."""
        publication = self._publication()
        if publication is None or await self._waits():
            return False
        followed = await self._follow(publication)
        unfinished = await self._look_at_unfinished(publication)
        due = await self._look_at_due(publication)
        return await self._sweep_on(publication) or due or unfinished or followed

    async def rest(self) -> None:
        """Closes the sweep under way."""
        sweep, self._sweep = self._sweep, None
        if sweep is not None:
            await sweep.aclose()  # type: ignore[attr-defined]  # every iterator of ours has it

    async def _waits(self) -> bool:
        """Whether too many messages wait already."""
        if self._clock() >= self._counted_at + COUNT_SECONDS:
            waiting = [await self._outbox.waiting(webhook.name) for webhook in self._webhooks]
            self._is_full = sum(waiting) >= MOST_WAITING
            self._counted_at = self._clock()
        return self._is_full

    # -- whom to look at

    async def _follow(self, publication: Publication) -> bool:
        """Looks at visitors with new events. When the log was not followed for days, or never, it is followed from now
        on: the sweep looks at everybody else."""
        followed, now = await self._outbox.followed(), self._clock()
        if not followed.swept or now > followed.swept_at + 2 * SWEEP_SECONDS:
            followed = Followed(await self._store.end_of_log(), BEGUN, now)
            await self._outbox.put(self._name, [], [], followed, now)
        self._unfinished.start(followed.begun)
        arrivals, place = await self._store.log(followed.place, AT_ONCE)
        if place == followed.place:
            return False
        standings, deliveries, now = await self._look(publication, {arrival.visitor_id for arrival in arrivals})
        followed = replace(followed, place=place, begun=self._unfinished.place)
        await self._outbox.put(self._name, standings, deliveries, followed, now)
        return True

    async def _look_at_unfinished(self, publication: Publication) -> bool:
        overdue = await self._unfinished.overdue(self._clock())
        if overdue:
            await self._put(publication, {visitor_id for ids in overdue.values() for visitor_id in ids})
            self._unfinished.done(overdue)
        return bool(overdue)

    async def _look_at_due(self, publication: Publication) -> bool:
        visitor_ids = await self._outbox.due(self._clock(), AT_ONCE)
        if visitor_ids:
            await self._put(publication, visitor_ids)
        return bool(visitor_ids)

    async def _sweep_on(self, publication: Publication) -> bool:
        rules, now = self._asked_by(publication), self._clock()
        if self._sweep is not None and self._sweep_of[0] != rules:
            await self.rest()
        if self._sweep is None:
            followed = await self._outbox.followed()
            if followed.swept == rules and now < followed.swept_at + SWEEP_SECONDS:
                return False
            self._sweep, self._sweep_of = self._everybody(), (rules, now)
        some = [visitor_id async for visitor_id in _some(self._sweep, AT_ONCE)]
        if some:
            await self._put(publication, some)
        if len(some) < AT_ONCE:
            self._sweep = None
            swept, swept_at = self._sweep_of
            followed = replace(await self._outbox.followed(), swept=swept, swept_at=swept_at)
            await self._outbox.put(self._name, [], [], followed, now)
            await self._forget_removed()
        return True

    async def _everybody(self) -> AsyncIterator[str]:
        async for profile in self._store.profiles():
            yield profile.visitor_id
        async for visitor_id in self._outbox.standing():
            yield visitor_id

    async def _forget_removed(self) -> None:
        """Deletes the messages of webhooks that no longer exist."""
        for name in (await self._outbox.counts()).keys() - {webhook.name for webhook in self._webhooks}:
            while some := await self._outbox.first(name, AT_ONCE):
                await self._outbox.done(some)

    def _asked_by(self, publication: Publication) -> str:
        """A hash of the segments' conditions and of who is told of them."""
        if self._rules[0] is not publication:
            asked = {one.name: sorted(told_of(one, publication.segments)) for one in self._webhooks}
            conditions = [(one.name, one.condition, one.timezone) for one in publication.segments]
            digest = hashlib.blake2b(msgspec.json.encode((asked, conditions), order="deterministic"), digest_size=8)
            self._rules = publication, digest.hexdigest()
        return self._rules[1]

    # -- looking

    async def _put(self, publication: Publication, visitor_ids: Iterable[str]) -> None:
        standings, deliveries, now = await self._look(publication, visitor_ids)
        await self._outbox.put(self._name, standings, deliveries, None, now)

    async def _look(
        self, publication: Publication, visitor_ids: Iterable[str]
    ) -> tuple[list[Standing], list[Delivery], float]:
        """The standings of these visitors that changed, the messages that follow, and the moment they were looked
        at."""
        ids, now = sorted(set(visitor_ids)), self._clock()
        before = await self._outbox.standings(ids)
        asked = {one.name: told_of(one, publication.segments) for one in self._webhooks}
        reader = SegmentReader(publication, now, only=frozenset[str]().union(*asked.values()))
        standings: list[Standing] = []
        deliveries: list[Delivery] = []
        for start in range(0, len(ids), A_TURN):
            some = ids[start : start + A_TURN]
            for visitor_id, profile in zip(some, await asyncio.gather(*map(self._profile, some)), strict=True):
                last = before.get(visitor_id, Standing(visitor_id))
                if isinstance(profile, DamagedValueError):
                    continue
                try:
                    standing, new = _stands(reader, last, profile, asked, now)
                except Exception:  # a fault of ours over one visitor must not end what is told of all others
                    log.exception("what segments `%s` is in could not be found out", visitor_id)
                    self._metrics.count("tailorbird_decide_errors_total")
                    continue
                standings += [standing] if standing != last else []
                deliveries += new
        for one in deliveries:
            self._metrics.count(CHANGES, "change", "entered" if one.entered else "left")
        return standings, deliveries, now

    async def _profile(self, visitor_id: str) -> Profile | DamagedValueError | None:
        try:
            return await self._store.get_profile(visitor_id)
        except DamagedValueError as error:
            return error


def _stands(
    reader: SegmentReader, last: Standing, profile: Profile | None, asked: Mapping[str, frozenset[str]], now: float
) -> tuple[Standing, list[Delivery]]:
    """The standing of a visitor, and the messages that follow. Who is unknown, or does not consent to it, is in no
    segment. What a device is in, its person is, so nobody left it."""
    if profile is not None and profile.alias:
        return Standing(last.visitor_id), []
    if profile is None or profile.attributes.get(LEVEL, AGREED) != AGREED:
        return changed(last, (), asked, now, now=now)
    at = last.due_at if now - SOON_SECONDS < last.due_at <= now else now
    segments = reader.segments(reader.known(profile, reader.asked))
    return changed(last, segments, asked, at, due_at=reader.holds_until(profile), now=now)


async def _some(source: AsyncIterator[str], most: int) -> AsyncIterator[str]:
    """The next so many."""
    left = most
    while left and (found := await anext(source, None)) is not None:
        yield found
        left -= 1
