"""`tailorbird events`: what was not taken and why, taking it after all, and making profiles anew from the log."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from typing import Any

import click

from proxy.cli.existing_store import asked
from proxy.cli.options import Subcommands, form_option, given, setting_options
from proxy.environment import from_environment
from proxy.events import segment
from proxy.events.intake import Access, Moment, Rejected, Sender
from proxy.events.segment import Batch, Verdict
from proxy.model import Arrival
from proxy.ports import Refused, Store
from proxy.settings import Settings
from proxy.visitors.collect import judged, stranger_key, user_key
from proxy.visitors.writekeys import WriteKeys

SHOWN_BYTES = 200


@click.group("events", cls=Subcommands)
def command() -> None:
    """What was not taken, and making profiles anew from what was."""


@command.command("rejected")
@setting_options("store")
@form_option("how to print the list")
def rejected(form: str, **flags: Any) -> None:
    """Lists the events that were not taken, oldest first, with the reason and what was sent."""
    settings = from_environment(os.environ, **given(**flags))
    refused = asked(settings.store, lambda places: places.store.refused())
    if not refused:
        click.echo("no event was refused", err=True)
    for one in refused:
        click.echo(as_json(one) if form == "json" else as_text(one))


@command.command("replay")
@setting_options("store")
@click.option("--reason", default="", help="only those refused for this reason")
def replay(reason: str, **flags: Any) -> None:
    """Judges the events that were not taken again, by the write keys of now. Those that are taken leave the list. It
    does no harm to do it twice."""
    settings = from_environment(os.environ, **given(**flags))
    outcomes = asked(settings.store, lambda places: replayed(places.store, settings, reason))
    told = [f"{count} {outcome}" for outcome, count in sorted(outcomes.items())]
    click.echo(f"{sum(outcomes.values())} judged again: {', '.join(told) or 'there are none'}")


@command.command("rebuild")
@setting_options("store")
def rebuild(**flags: Any) -> None:
    """Makes every profile anew from the log. What comes out as it was is left alone."""
    settings = from_environment(os.environ, **given(**flags))
    began = time.monotonic()
    changed = asked(settings.store, lambda places: places.store.rebuild())
    click.echo(f"{changed} profiles came out differently; it took {time.monotonic() - began:.1f} s")


# -- done


async def replayed(store: Store, settings: Settings, reason: str) -> Counter[str]:
    """What became of each that was refused for this reason, "" for any: `taken`, or the reason why not."""
    outcomes: Counter[str] = Counter()
    for place, one in enumerate(one for one in await store.refused() if reason in ("", one.reason)):
        verdict = again(one, settings, place)
        if isinstance(verdict, Arrival):
            await store.apply([verdict])
            await store.forget_refused([one])
        outcomes["taken" if isinstance(verdict, Arrival) else verdict.reason] += 1
    return outcomes


def again(one: Refused, settings: Settings, place: int = 0) -> Arrival | Rejected:
    """The event judged by what its source may say now, as of when it came."""
    source = WriteKeys(settings).named(one.source)
    if source is None:
        return Rejected("no-source", f"no write key has the source `{one.source}` any more")
    visitor_id = "" if source.access is Access.SERVER else one.visitor_id
    sender = Sender(source.name, source.access, visitor_id, stranger_key(settings), user_key(settings))
    batch = Batch() if one.call == "ga4" else segment.batch_of(one.payload)
    if isinstance(batch, Rejected):
        return batch
    moment = Moment(one.received_at, f"replay{one.received_at:.6f}-{place}")
    verdicts: list[Verdict] = judged(one.call, one.payload, b"", batch, sender, moment, 1)
    return verdicts[0][1] if verdicts else Rejected("not-json", "nothing was sent")


# -- told


def as_text(one: Refused) -> str:
    """When, why, from where, and the beginning of what was sent."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.received_at))
    sent = one.payload[:SHOWN_BYTES].decode("utf-8", "replace")
    return f"{when}  {one.reason:12} {one.source:10} {one.call:8} {sent}"


def as_json(one: Refused) -> str:
    """The same whole, as one JSON object."""
    names = ("received_at", "reason", "source", "call", "visitor_id")
    said = {name: getattr(one, name) for name in names}
    return json.dumps({**said, "payload": one.payload.decode("utf-8", "replace")}, ensure_ascii=False)
