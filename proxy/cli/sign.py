"""`tailorbird sign`: prints a visitor's cookies on one line, for curl, for tests, and for comparison with cookies that
another system signs (`docs/cookies.md`)."""

from __future__ import annotations

import secrets
import time

import click

from proxy.cli.options import settings_now
from proxy.visitors.visitor import Cookies


@click.command("sign")
@click.option("--visitor", metavar="ID", help="the visitor's id  (default: a new, random one)")
@click.option("--segment", "segments", metavar="NAME", multiple=True, help="a segment to vouch for; may be repeated")
@click.option("--expires", metavar="SECONDS", type=click.IntRange(min=1), help="how long the segments count")
@click.option("--demo", is_flag=True, help="the demo's names, without `__Host-`")
def command(visitor: str | None, segments: tuple[str, ...], expires: int | None, demo: bool) -> None:
    """Print the signed cookies of a visitor, as a `Cookie:` line. The key is TAILORBIRD_SECRET.

    \b
    curl -H "$(tailorbird sign --visitor anna --segment VIP)" http://localhost:8080/
    """
    cookies = Cookies.from_settings(settings_now(), is_demo=demo)
    visitor = secrets.token_hex(16) if visitor is None else visitor
    now = time.time()
    pairs = [cookies.visitor_pair(visitor, now)]
    if segments:
        pairs.append(cookies.segments_pair(visitor, segments, now, expires))
    click.echo("Cookie: " + b"; ".join(pairs).decode())
