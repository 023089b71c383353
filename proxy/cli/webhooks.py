"""`tailorbird webhooks`: the receivers of segment changes, the messages that wait and those that were given up, and
sending these again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec

from proxy.cli.existing_store import STORE, asked
from proxy.cli.options import Subcommands, form_option, setting_options, settings_now
from proxy.cli.rulefolder import folder_argument, no_such_segment, read_rules
from proxy.conditions.localtime import iso_time
from proxy.model import Delivery, Standing
from proxy.outbox.leader import webhooks_in
from proxy.ports import Outbox, Waiting
from proxy.rulebook.compile import Publication
from proxy.rulebook.segment_reader import unforeseen
from proxy.rulebook.webhookfile import Webhook, segments_sent, unknown_segments

AT_ONCE = 500


@click.group("webhooks", cls=Subcommands)
def command() -> None:
    """Webhooks: the receivers of segment changes, and the messages that wait."""


@command.command("show")
@folder_argument
@setting_options("webhooks", "store")
@form_option("how to print it")
def show(folder: Path, form: str, **flags: Any) -> None:
    """Show every webhook of the file, with the segments of the rule folder DIR whose changes it gets, the messages that
    wait and why, and those that were given up; and warnings about them.

    Exit code 1 when the file or the folder has problems.
    """
    settings = settings_now(**flags)
    webhooks = webhooks_in(settings.webhooks)
    publication = read_rules(folder, None, settings.store).publication
    if publication is None:
        raise click.ClickException(f"`{folder}` has problems; `tailorbird check {folder}` tells them")
    counts = asked(settings.store, lambda places: places.outbox.counts())
    if form == "json":
        click.echo(msgspec.json.encode([_row(one, publication, counts) for one in webhooks]))
        return
    for webhook in webhooks:
        click.echo(_line(webhook, publication, counts.get(webhook.name, Waiting())))
    for doubt in _doubts(webhooks, publication):
        click.echo(doubt)
    if not webhooks:
        click.echo("nobody is told: the setting `webhooks` names no file")


@command.command("given-up")
@STORE
@form_option("how to print the list")
def given_up(store: str, form: str) -> None:
    """List the messages that were given up, oldest first, with the reason."""
    for one in asked(store, lambda places: places.outbox.given_up()):
        click.echo(msgspec.json.encode(msgspec.structs.asdict(one)) if form == "json" else _as_text(one))


@command.command("replay")
@STORE
@click.option("--webhook", default="", help="only those for this webhook")
def replay(store: str, webhook: str) -> None:
    """Send the messages that were given up again, after those that wait already. What is not so any more, as that
    somebody entered a segment that they have left since, is forgotten instead. It is safe to repeat."""
    again, forgotten = asked(store, lambda places: _again(places.outbox, webhook))
    click.echo(f"{again} wait again" + (f", {forgotten} forgotten: not so any more" if forgotten else ""))


async def _again(outbox: Outbox, webhook: str) -> tuple[int, int]:
    """How many now wait again, and how many were forgotten."""
    some = [one for one in await outbox.given_up() if webhook in ("", one.webhook)]
    standings: dict[str, Standing] = {}
    ids = sorted({one.visitor_id for one in some})
    for start in range(0, len(ids), AT_ONCE):
        standings |= await outbox.standings(ids[start : start + AT_ONCE])
    again = [one for one in some if _is_so(one, standings.get(one.visitor_id))]
    await outbox.requeue(again, time.time())
    gone = {one.id for one in some} - {one.id for one in again}
    await outbox.done([one for one in some if one.id in gone])
    return len(again), len(gone)


def _is_so(one: Delivery, standing: Standing | None) -> bool:
    """Whether no later message about the visitor and this segment says otherwise, or the same again."""
    since = (standing.by_webhook if standing else {}).get(one.webhook, {}).get(one.segment)
    return since == one.at if one.entered else since is None


# -- told


def _row(webhook: Webhook, publication: Publication, counts: Mapping[str, Waiting]) -> dict[str, object]:
    waiting = counts.get(webhook.name, Waiting())
    return {
        "name": webhook.name,
        "url": webhook.url,
        "form": webhook.form,
        "segments": sorted(segments_sent(webhook, publication.segments)),
        "waiting": waiting.waiting,
        "waiting_since": waiting.since or None,
        "given_up": waiting.given_up,
        "failed_at": waiting.failure and waiting.failure.at,
        "failure": waiting.failure and waiting.failure.reason,
    }


def _line(webhook: Webhook, publication: Publication, counted: Waiting) -> str:
    host = urlsplit(webhook.url).netloc
    segments = ", ".join(sorted(segments_sent(webhook, publication.segments))) or "no segment"
    since = f" since {iso_time(counted.since)}" if counted.waiting else ""
    failed = f"\n  failed {iso_time(counted.failure.at)}: {counted.failure.reason}" if counted.failure else ""
    return (
        f"{webhook.name} ({host}): {segments}\n  {counted.waiting} waiting{since}, {counted.given_up} given up{failed}"
    )


def _doubts(webhooks: Sequence[Webhook], publication: Publication) -> Iterator[str]:
    for name in unknown_segments(webhooks, publication.segments):
        yield no_such_segment(name, [segment.name for segment in publication.plan.segments])
    for name in sorted({name for webhook in webhooks for name in segments_sent(webhook, publication.segments)}):
        for attribute, why in unforeseen(publication, name).items():
            yield f"`{name}` asks for `{attribute}`: {why}"


def _as_text(one: Delivery) -> str:
    change = "entered" if one.entered else "left"
    return f"{iso_time(one.at)}  {one.webhook:12} {one.visitor_id} {change} {one.segment}: {one.reason}"
