"""`tailorbird events`: exports the events that were accepted, lists and retries those that were refused, and rebuilds
profiles from the log."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from math import inf

import click
import msgspec

from proxy.audience.results import HELD, SLOT, exposures_in
from proxy.cli import options
from proxy.cli.existing_store import STORE, asked
from proxy.cli.options import Subcommands, form_option, settings_now
from proxy.conditions.localtime import iso_time
from proxy.diagnostics import did_you_mean
from proxy.events import segment
from proxy.events.intake import Access, Receipt, Rejected, Sender
from proxy.events.segment import Batch, Verdict
from proxy.events.types import TYPES
from proxy.model import Arrival, Item
from proxy.ports import Refused, Store
from proxy.settings import Settings
from proxy.stores.logs import logs
from proxy.stores.personal_data import Places
from proxy.visitors.collect import judged, stranger_key, user_key
from proxy.visitors.writekeys import WriteKeys

SHOWN_BYTES = 200
AT_ONCE = 500
KINDS = tuple(row.kind for row in TYPES)
ITEM = Item.__struct_fields__


@click.group("events", cls=Subcommands)
def command() -> None:
    """Events: export those that were accepted, list and retry those that were refused, rebuild profiles."""


@command.command("list")
@STORE
@click.option("--kind", "kinds", multiple=True, help="only such, as `order completed`; may be given again")
@click.option("--since", type=options.time, default=-inf, help="only what happened from then on, UTC, as 2026-11-25")
@click.option("--until", type=options.time, default=inf, help="only what happened before then")
def listed(store: str, kinds: tuple[str, ...], since: float, until: float) -> None:
    """List all events of all visitors, a line of JSON each, for a warehouse.

    Each visitor's events come together, in the order in which they happened; those of erased visitors are gone.
    `visitor` is the person, once known, `device` the visitor id of the event. `id` is the same however often an event
    was sent. `choices` are the rules whose content the page had, by slot: `part` is the arm of an experiment, else
    `shown`, or `held out` where the page's own content was shown for comparison.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise click.UsageError(f"there is no kind `{unknown[0]}`; {did_you_mean(unknown[0], KINDS)}")

    async def written(places: Places) -> None:
        async for person in logs(places.store):
            for arrival in person.arrivals:
                event = arrival.event
                if since <= event.at < until and (not kinds or event.kind in kinds):
                    sys.stdout.buffer.write(as_line(arrival))

    asked(store, written)


@command.command("rejected")
@STORE
@form_option("how to print the list")
def rejected(store: str, form: str) -> None:
    """List the events that were refused, oldest first, with the reason and what was sent."""
    refused = asked(store, lambda places: places.store.refused())
    if not refused:
        click.echo("no event was refused", err=True)
    for one in refused:
        click.echo(as_json(one) if form == "json" else as_text(one))


@command.command("replay")
@STORE
@click.option("--reason", default="", help="only those refused for this reason")
def replay(store: str, reason: str) -> None:
    """Check the refused events again, with today's write keys. Those that are accepted leave the list. It is safe to
    repeat."""
    outcomes = asked(store, lambda places: replayed(places.store, settings_now(), reason))
    told = [f"{count} {outcome}" for outcome, count in sorted(outcomes.items())]
    click.echo(f"{sum(outcomes.values())} judged again: {', '.join(told) or 'there are none'}")


@command.command("rebuild")
@STORE
def rebuild(store: str) -> None:
    """Rebuild all profiles from the log. Those that come out the same are not written."""
    began = time.monotonic()
    changed = asked(store, lambda places: places.store.rebuild())
    click.echo(f"{changed} profiles came out differently; it took {time.monotonic() - began:.1f} s")


# -- done


async def replayed(store: Store, settings: Settings, reason: str) -> Counter[str]:
    """What became of each that was refused for this reason, "" for any: `taken`, or the reason why not."""
    refused = [one for one in await store.refused() if reason in ("", one.reason)]
    verdicts = [again(one, settings, place) for place, one in enumerate(refused)]
    taken = [(one, verdict) for one, verdict in zip(refused, verdicts, strict=True) if isinstance(verdict, Arrival)]
    for start in range(0, len(taken), AT_ONCE):
        some = taken[start : start + AT_ONCE]
        await store.apply([arrival for _, arrival in some])
        await store.forget_refused([one for one, _ in some])
    return Counter("taken" if isinstance(verdict, Arrival) else verdict.reason for verdict in verdicts)


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
    moment = Receipt(one.received_at, f"replay{one.received_at:.6f}-{place}")
    verdicts: list[Verdict] = judged(one.call, one.payload, b"", batch, sender, moment, 1)
    return verdicts[0][1] if verdicts else Rejected("not-json", "nothing was sent")


# -- told


def as_line(arrival: Arrival) -> bytes:
    """The event as a warehouse takes it: names instead of places, the time as text."""
    event = arrival.event
    told = {
        "visitor": arrival.visitor_id,
        "device": arrival.via or arrival.visitor_id,
        "happened_at": iso_time(event.at, "milliseconds"),
        "id": event.id,
        "kind": event.kind,
        "subject": event.subject,
        "value": event.value,
        "items": [dict(zip(ITEM, msgspec.structs.astuple(item), strict=True)) for item in event.items],
        "choices": [{"slot": met.slot, "rule": met.rule, "part": met.group} for met in exposures_in(arrival)],
        "details": {name: said for name, said in arrival.details.items() if not name.startswith((SLOT, HELD))},
        "source": arrival.source,
    }
    return msgspec.json.encode(told) + b"\n"


def as_text(one: Refused) -> str:
    """When, why, from where, and the beginning of what was sent."""
    sent = one.payload[:SHOWN_BYTES].decode("utf-8", "replace")
    return f"{iso_time(one.received_at)}  {one.reason:12} {one.source:10} {one.call:8} {sent}"


def as_json(one: Refused) -> str:
    """The same whole, as one JSON object."""
    names = ("received_at", "reason", "source", "call", "visitor_id")
    said = {name: getattr(one, name) for name in names}
    return json.dumps({**said, "payload": one.payload.decode("utf-8", "replace")}, ensure_ascii=False)
