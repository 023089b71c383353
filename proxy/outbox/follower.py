"""Finds the visitors who entered or left a segment, and queues messages for webhooks; runs in the process with the
lead.

A visitor's segments are evaluated when the log has a new event of theirs, at the time when they may change by time
alone (`Standing.due_at`), and in a sweep over all visitors: after the rules or webhooks changed, and once a day for
changes that cannot be predicted, as of a profile that expired. Visitors whose
events a crash may have kept out of the log are evaluated a little later (`unfinished.py`). The result is compared with
what webhooks know, so evaluating a visitor twice sends nothing twice.

While too many messages wait, nobody is evaluated: all changes meanwhile are then sent as one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from math import inf

import msgspec
from msgspec.structs import replace

from proxy.audience.consent import LEVEL
from proxy.errors import DamagedValueError
from proxy.metrics import Metrics
from proxy.model import Consent, Delivery, LogProgress, Profile, Standing
from proxy.outbox.unfinished import Unfinished
from proxy.ports import Outbox, Store
from proxy.rulebook.compile import Publication
from proxy.rulebook.segment_reader import SegmentReader
from proxy.rulebook.webhookfile import Webhook, segments_sent

log = logging.getLogger("tailorbird.outbox")

BATCH = 200
TURN = 5
"""Visitors evaluated before requests get the event loop again: each takes up to a millisecond."""
MOST_WAITING = 100_000
COUNT_SECONDS = 5.0
SWEEP_SECONDS = 86_400.0
SOON_SECONDS = 60.0
"""A visitor evaluated within this time after `due_at` counts as changed at `due_at`, else as changed now."""
BEGUN = "begun"
AGREED = Consent.PROFILE.name.lower()
CHANGES = "tailorbird_segment_changes_total"


class Follower:
    """Evaluates visitors batch by batch and queues a message for each segment entered or left. `publication` returns
    the live rules."""

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
        """Evaluates one batch of each kind of visitors; False if there is nothing more to do for now. May raise
        `StoreError`."""
        publication = self._publication()
        if publication is None or await self._is_queue_full():
            return False
        has_new = await self._check_new_events(publication)
        has_unfinished = await self._check_unfinished(publication)
        has_due = await self._check_due(publication)
        return await self._continue_sweep(publication) or has_due or has_unfinished or has_new

    async def close(self) -> None:
        """Closes the sweep under way."""
        sweep, self._sweep = self._sweep, None
        if sweep is not None:
            await sweep.aclose()  # type: ignore[attr-defined]  # every iterator of ours has it

    async def _is_queue_full(self) -> bool:
        """Whether too many messages wait already."""
        if not 0 <= self._clock() - self._counted_at < COUNT_SECONDS:  # also when the clock was set back
            waiting = [await self._outbox.waiting(webhook.name) for webhook in self._webhooks]
            self._is_full = sum(waiting) >= MOST_WAITING
            self._counted_at = self._clock()
        return self._is_full

    # -- which visitors to evaluate

    async def _check_new_events(self, publication: Publication) -> bool:
        """Evaluates visitors with new events. If the log was not followed for days, or never, it is followed from its
        end: the sweep evaluates all other visitors."""
        progress, now = await self._outbox.progress(), self._clock()
        if not progress.swept_rules or now > progress.swept_at + 2 * SWEEP_SECONDS:
            progress = LogProgress(await self._store.end_of_log(), BEGUN, now)
            await self._outbox.put(self._name, [], [], progress, now)
        self._unfinished.start(progress.checked_to)
        arrivals, place = await self._store.log(progress.place, BATCH)
        if place == progress.place:
            return False
        standings, deliveries, now = await self._changes_of(
            publication, {arrival.visitor_id for arrival in arrivals}, is_new=True
        )
        progress = replace(progress, place=place, checked_to=self._unfinished.place)
        await self._outbox.put(self._name, standings, deliveries, progress, now)
        return True

    async def _check_unfinished(self, publication: Publication) -> bool:
        overdue = await self._unfinished.overdue(self._clock())
        if overdue:
            await self._store_changes(publication, {visitor_id for ids in overdue.values() for visitor_id in ids})
            self._unfinished.done(overdue)
        return bool(overdue)

    async def _check_due(self, publication: Publication) -> bool:
        visitor_ids = await self._outbox.due(self._clock(), BATCH)
        if visitor_ids:
            await self._store_changes(publication, visitor_ids)
        return bool(visitor_ids)

    async def _continue_sweep(self, publication: Publication) -> bool:
        rules, now = self._rules_hash(publication), self._clock()
        if self._sweep is not None and self._sweep_of[0] != rules:
            await self.close()
        if self._sweep is None:
            progress = await self._outbox.progress()
            if progress.swept_rules == rules and now < progress.swept_at + SWEEP_SECONDS:
                return False
            self._sweep, self._sweep_of = self._all_visitors(), (rules, now)
        batch = [visitor_id async for visitor_id in _next_of(self._sweep, BATCH)]
        if batch:
            await self._store_changes(publication, batch)
        if len(batch) < BATCH:
            self._sweep = None
            swept_rules, swept_at = self._sweep_of
            progress = replace(await self._outbox.progress(), swept_rules=swept_rules, swept_at=swept_at)
            await self._outbox.put(self._name, [], [], progress, now)
            await self._delete_removed()
        return True

    async def _all_visitors(self) -> AsyncIterator[str]:
        async for profile in self._store.profiles():
            yield profile.visitor_id
        async for visitor_id in self._outbox.visitors():
            yield visitor_id

    async def _delete_removed(self) -> None:
        """Deletes the messages of webhooks that no longer exist."""
        for name in (await self._outbox.counts()).keys() - {webhook.name for webhook in self._webhooks}:
            while batch := await self._outbox.oldest(name, BATCH):
                await self._outbox.done(batch)

    def _rules_hash(self, publication: Publication) -> str:
        """A hash of the segments' conditions, and of which webhooks want to know of them."""
        if self._rules[0] is not publication:
            wanted = {one.name: sorted(segments_sent(one, publication.segments)) for one in self._webhooks}
            conditions = [(one.name, one.condition, one.timezone) for one in publication.segments]
            digest = hashlib.blake2b(msgspec.json.encode((wanted, conditions), order="deterministic"), digest_size=8)
            self._rules = publication, digest.hexdigest()
        return self._rules[1]

    # -- evaluating

    async def _store_changes(self, publication: Publication, visitor_ids: Iterable[str]) -> None:
        standings, deliveries, now = await self._changes_of(publication, visitor_ids)
        await self._outbox.put(self._name, standings, deliveries, None, now)

    async def _changes_of(
        self, publication: Publication, visitor_ids: Iterable[str], *, is_new: bool = False
    ) -> tuple[list[Standing], list[Delivery], float]:
        """The standings of these visitors that changed, the messages to send, and the time of evaluation. What still
        waits is looked through for those who do not agree to be known, if it `is_new` or webhooks know of them."""
        ids, now = sorted(set(visitor_ids)), self._clock()
        before = await self._outbox.standings(ids)
        wanted = {one.name: segments_sent(one, publication.segments) for one in self._webhooks}
        reader = SegmentReader(publication, now, only=frozenset[str]().union(*wanted.values()))
        standings: list[Standing] = []
        deliveries: list[Delivery] = []
        refusing: list[str] = []
        for start in range(0, len(ids), TURN):
            turn = ids[start : start + TURN]
            for visitor_id, profile in zip(turn, await asyncio.gather(*map(self._profile, turn)), strict=True):
                last = before.get(visitor_id, Standing(visitor_id))
                if isinstance(profile, DamagedValueError):
                    continue
                refusing += [visitor_id] if _refuses(profile) and (visitor_id in before or is_new) else []
                try:
                    standing, new = _standing_of(reader, last, profile, wanted, now)
                except Exception:  # a bug met with one visitor must not stop the messages about all others
                    log.exception("the segments of a visitor could not be evaluated")
                    self._metrics.count("tailorbird_decide_errors_total")
                    continue
                standings += [standing] if standing != last else []
                deliveries += new
        await self._forget_entered(refusing)
        for one in deliveries:
            self._metrics.count(CHANGES, "change", "entered" if one.entered else "left")
        return standings, deliveries, now

    async def _forget_entered(self, visitor_ids: Collection[str]) -> None:
        """Deletes the messages that these visitors entered a segment, sent to nobody so far. That they left one is
        still sent, as a message under way just now may arrive."""
        if visitor_ids:
            _, stored = await self._outbox.stored_of(visitor_ids)
            await self._outbox.done([one for one in stored if one.entered])

    async def _profile(self, visitor_id: str) -> Profile | DamagedValueError | None:
        try:
            return await self._store.get_profile(visitor_id)
        except DamagedValueError as error:
            return error


def _standing_of(
    reader: SegmentReader, last: Standing, profile: Profile | None, wanted: Mapping[str, frozenset[str]], now: float
) -> tuple[Standing, list[Delivery]]:
    """The new standing of a visitor, and the messages to send. A visitor who is unknown or does not consent is in no
    segment. A device that was joined to a person leaves no segment: the person is in it now."""
    if profile is not None and profile.alias:
        return Standing(last.visitor_id), []
    if profile is None or _refuses(profile):
        return compared(last, (), wanted, now, now=now)
    at = last.due_at if now - SOON_SECONDS < last.due_at <= now else now
    known = reader.known(profile, reader.asked)
    return compared(last, reader.segments(known), wanted, at, due_at=reader.holds_until(profile, known), now=now)


def _refuses(profile: Profile | None) -> bool:
    return profile is not None and profile.attributes.get(LEVEL, AGREED) != AGREED


async def _next_of(source: AsyncIterator[str], most: int) -> AsyncIterator[str]:
    """The next items, `most` at most."""
    left = most
    while left and (found := await anext(source, None)) is not None:
        yield found
        left -= 1


def compared(
    before: Standing,
    segments: Collection[str],
    wanted: Mapping[str, Collection[str]],
    at: float,
    *,
    due_at: float = inf,
    now: float,
) -> tuple[Standing, list[Delivery]]:
    """The new standing of a visitor who is in these segments since `at` (Unix seconds), and the messages to send: one
    for each change. `wanted` has for each webhook the segments that it wants to know of; one that it does not ask for
    any more is dropped without a message, since nobody left it. `due_at` is that of the new standing."""
    inside = {name.casefold() for name in segments}
    by_webhook: dict[str, dict[str, float]] = {}
    deliveries: list[Delivery] = []
    for webhook, names in wanted.items():
        known = {name: since for name, since in before.by_webhook.get(webhook, {}).items() if name in names}
        current = {name for name in names if name.casefold() in inside}
        changes = [(name, True) for name in sorted(current - known.keys())]
        changes += [(name, False) for name in sorted(known.keys() - current)]
        deliveries += [_delivery(webhook, before.visitor_id, name, entered, at, now) for name, entered in changes]
        if current:
            by_webhook[webhook] = {name: known.get(name, at) for name in sorted(current)}
    return Standing(before.visitor_id, by_webhook, due_at), deliveries


def _delivery(webhook: str, visitor_id: str, segment: str, entered: bool, at: float, now: float) -> Delivery:
    content = f"{webhook}\n{visitor_id}\n{segment}\n{entered}\n{at!r}"
    message_id = hashlib.blake2b(content.encode(), digest_size=16).hexdigest()
    return Delivery(message_id, webhook, visitor_id, segment, entered, at, now)
