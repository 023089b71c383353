"""`tailorbird expire`: deletes what is older than its retention time. Run it every night."""

from __future__ import annotations

import time

import click

from proxy.cli.existing_store import STORE, asked
from proxy.stores.logs import expire

DAY_SECONDS = 86_400


@click.command("expire")
@click.option("--days", type=click.IntRange(min=1), required=True, help="how many days everything is kept")
@STORE
def command(days: int, store: str) -> None:
    """Delete events, imports, recorded page views and given-up webhook messages that are older than so many days, and
    visitors without any since. A large SQLite file is written anew, if somebody was erased: events wait meanwhile."""
    before = time.time() - days * DAY_SECONDS
    events, views = asked(store, lambda at: expire(at.store, at.views, at.outbox, before))
    click.echo(f"{events} events and {views} page views older than {days} days forgotten")
