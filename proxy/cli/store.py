"""`tailorbird store copy FROM TO`: copies a whole store into another of any kind. It can be repeated, after an
interruption or to bring over what is new: what the target has already does not change, but for who was erased since."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from math import inf

import click

from proxy.catalogue.product_index import MOST_LEARNT
from proxy.cli.existing_store import all_sightings, existing_store
from proxy.cli.options import Subcommands
from proxy.model import Arrival, LogProgress
from proxy.ports import Outbox, Sightings, Store, Tombstones, ViewLog
from proxy.stores import open_outbox, open_sightings, open_store, open_views
from proxy.stores.address import without_password
from proxy.stores.logs import READ_AT_ONCE, logs_of_each
from proxy.stores.personal_data import Places, Receipt, all_erased
from proxy.stores.tombstones import is_erased, tombstone
from proxy.stores.views import packed

BATCH = 5_000
EVENTS_AT_ONCE = 1_000
"""Visitors with so many events together are one transaction: with one for each, most of the time goes to the disk."""
MOST_VIEWS = 1_000_000
EACH = 1_000
COPYING = "store copy"
LEAD_SECONDS = 600.0


@click.group("store", cls=Subcommands)
def command() -> None:
    """Copy whole stores."""


@command.command("copy")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def copy(source: str, target: str) -> None:
    """Copy all of the store FROM into the store TO: every visitor's log, from which their profiles follow, refused
    events, the tombstones of erased visitors, what webhooks have sent and have yet to send, recorded page views, and
    facts about products from pages and changes. Whoever was erased from FROM is erased from TO. Both are written as in
    --store."""
    if source == target:
        raise click.BadParameter("it is FROM, too", param_hint="TO")
    visitors, events = asyncio.run(_copied(source, target))
    click.echo(f"{visitors} visitors, {events} events that were not there")


async def _copied(source: str, target: str) -> tuple[int, int]:
    async with (
        existing_store(source) as store,
        aclosing(open_store(target)) as other,
        aclosing(open_outbox(source)) as old_outbox,
        aclosing(open_outbox(target)) as outbox,
        aclosing(open_views(source)) as views,
        aclosing(open_views(target)) as other_views,
        aclosing(open_sightings(source)) as sightings,
        aclosing(open_sightings(target)) as other_sightings,
    ):
        if receipts := await copy_erasures(store, Places(other, other_views, outbox)):
            notes = filter(None, (receipts[-1].not_overwritten, receipts[-1].overwriting))
            click.echo("; ".join((f"erased from it, as from the other: {len(receipts)}", *notes)))
        done = await copy_events(store, other, _on_a_screen if sys.stderr.isatty() else lambda _: None)
        if not await copy_webhook_state(old_outbox, outbox, await other.end_of_log(), time.time()):
            shown = without_password(target)
            click.echo(f"servers tell webhooks from `{shown}` already, so what they were told was not copied", err=True)
        await copy_views(views, other_views)
        await copy_sightings(sightings, other_sightings)
        return done


def _on_a_screen(count: int) -> None:
    click.echo(f"\r{count} visitors", nl=False, err=True)


async def copy_erasures(source: Store, target: Places) -> list[Receipt]:
    """Erases from the target whom the source has erased since it was copied; what came after that stays."""
    tombstones = await source.tombstones()
    await target.store.put_tombstones(tombstones)
    marked = [(id, at) async for id in target.store.visitors() if (at := _erased_at(tombstones, id)) > -inf]
    theirs, later = dict[str, float](), list[Arrival]()
    for visitor_id, at in marked:
        log = await target.store.log_of(visitor_id)
        stays = [arrival for arrival in log if not is_erased(arrival, at)]
        if len(stays) < len(log):
            theirs[visitor_id] = at
            later += stays
    times = iter(theirs.values())
    receipts = await all_erased(target, theirs, lambda: next(times)) if theirs else []
    await target.store.apply(later)
    return receipts


def _erased_at(tombstones: Tombstones, visitor_id: str) -> float:
    found = (tombstones.erased_at.get(tombstone(key, visitor_id), -inf) for key in tombstones.keys)
    return max(found, default=-inf)


async def copy_events(source: Store, target: Store, tell: Callable[[int], None] = lambda _: None) -> tuple[int, int]:
    """Copies all visitors; returns how many there were, and how many of their events the target did not have."""
    visitors = events = 0
    await target.put_tombstones(await source.tombstones())  # before all else: what they forbid stays out from now on
    rules = await source.merge_rules()
    is_ruled_anew = bool(rules) and rules != await target.merge_rules()
    if is_ruled_anew:
        await target.put_merge_rules(rules)
    waiting: list[Arrival] = []
    async for some in logs_of_each(source, source.visitors(), READ_AT_ONCE):
        for _, log in some:
            if len(waiting) + len(log) > EVENTS_AT_ONCE:
                events += await _added(target, waiting)
                waiting = []
            waiting += log
            visitors += 1
            if visitors % EACH == 0:
                tell(visitors)
    events += await _added(target, waiting)
    if is_ruled_anew:
        await target.rebuild()
    known = set(await target.refused())
    await target.refuse([one for one in await source.refused() if one not in known])
    return visitors, events


async def _added(target: Store, arrivals: Sequence[Arrival]) -> int:
    """Adds these; returns how many were not there."""
    some = [arrivals[start : start + BATCH] for start in range(0, len(arrivals), BATCH)]
    return sum([len((await target.apply(each)).new) for each in some])


async def copy_webhook_state(source: Outbox, target: Outbox, place: str, now: float) -> bool:
    """Copies what webhooks were told, so that they are told of changes alone: of what comes into the target's log after
    `place`, and of what a look at everybody finds. False where somebody has the lead: then nothing is copied."""
    if not (await source.progress()).swept_rules:
        return True  # nobody was ever told anything
    if not await target.lead(COPYING, now, LEAD_SECONDS):
        return False
    visitors = [visitor_id async for visitor_id in source.visitors()]
    for start in range(0, len(visitors), BATCH):
        standings = await source.standings(visitors[start : start + BATCH])
        await target.put(COPYING, list(standings.values()), [], None, now)
    for webhook, counted in (await source.counts()).items():
        await target.put(COPYING, [], await source.oldest(webhook, counted.waiting), None, now)
    given_up = await source.given_up()
    await target.put(COPYING, [], given_up, None, now)
    for one in given_up:
        await target.give_up(one)
    if not (await target.progress()).swept_rules:
        await target.put(COPYING, [], [], LogProgress(place, COPYING, now), now)
    await target.lead(COPYING, now, 0.0)
    return True


async def copy_views(source: ViewLog, target: ViewLog) -> None:
    """Records in the target the views that it does not have."""
    there = await target.get_views(MOST_VIEWS)
    known = {packed(view) for view in there}
    new = [view for view in await source.get_views(MOST_VIEWS) if packed(view) not in known]
    for start in range(0, len(new), BATCH):
        await target.put_views(new[start : start + BATCH], most=len(there) + len(new))


async def copy_sightings(source: Sightings, target: Sightings) -> None:
    """Tells the target of products what is newer than what it was told."""
    known = {sighting.key: sighting.at for sighting in await all_sightings(target)}
    new = [sighting for sighting in await all_sightings(source) if sighting.at > known.get(sighting.key, -inf)]
    for start in range(0, len(new), BATCH):
        await target.put_sightings(new[start : start + BATCH], most=MOST_LEARNT)
