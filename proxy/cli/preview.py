"""`tailorbird preview URL`: prints a signed link that shows a draft on the real site as a given visitor, for a limited
time."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import click

from proxy.cli.options import settings_now
from proxy.cli.persona import persona_of, persona_options
from proxy.cli.rulefolder import CATALOGUE, rules_option, store_option
from proxy.cli.states import publication_of, state_of
from proxy.diagnostics import did_you_mean
from proxy.errors import RequestError
from proxy.rulebook.compile import Publication
from proxy.serve.drafts import DRAFT
from proxy.stores.versions import Versions
from proxy.visitors.preview import LONGEST_SECONDS, Preview, Tokens

SPAN = re.compile(r"(\d{1,4})\s*(s|m|min|h)")
SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3_600}


def _span(context: click.Context, option: click.Parameter, said: str) -> int:
    match = SPAN.fullmatch(said)
    seconds = int(match[1]) * SECONDS[match[2]] if match else 0
    if not 0 < seconds <= LONGEST_SECONDS:
        raise click.BadParameter(f"`{said}` is no time up to an hour; write 30min or 1h")
    return seconds


def _draft(context: click.Context, option: click.Parameter, said: str | None) -> str:
    """The name that a token gives it: a folder by its whole path, as the server is to find it."""
    if said in (None, DRAFT):
        return said or ""
    if not Path(said).is_dir():
        raise click.BadParameter(f"there is no folder `{said}`")
    return str(Path(said).resolve())


@click.command("preview")
@click.argument("url")
@rules_option("the folder that is served")
@click.option(
    "--draft",
    is_flag=False,
    flag_value=DRAFT,
    callback=_draft,
    metavar="[DIR]",
    help="what is in DIR; by itself, what is in the served folder",
)
@click.option("--version", type=click.IntRange(1), help="a version by its number  (default: what is live)")
@click.option("--as", "case", default="", metavar="TEST", help="the visitor and moment of a test in the rules")
@persona_options
@click.option("--for", "seconds", default="1h", callback=_span, help="how long, up to an hour  (default: 1h)")
@store_option()
@CATALOGUE
def command(
    url: str,
    rules: Path,
    draft: str,
    version: int | None,
    case: str,
    seconds: int,
    store: str | None,
    catalogue: Path | None,
    **said: Any,
) -> None:
    """Print a link to the page URL of the shop that shows one draft, as one visitor, at one time. It is signed with
    TAILORBIRD_SECRET and holds for an hour at most; what it shows is never stored or counted. A path is enough where
    TAILORBIRD_SHOP_URL says where the shop is.

    \b
    tailorbird preview https://shop.example/ --draft --segment VIP --country NO --at 2026-11-25T12:00
    """
    name = str(version) if version else draft
    state = state_of(name or ("live" if Versions(rules).live() else DRAFT), rules)
    publication = publication_of(state, catalogue, store)
    _must_be_a_test(case, publication)
    persona = persona_of(publication, case=case, **said)
    settings = settings_now()
    tokens = Tokens(settings.secret, shop_url=settings.shop_url, hosts=settings.allowed_hosts)
    try:
        click.echo(tokens.link(url, Preview(int(time.time()) + seconds, name, persona)))
    except RequestError as error:
        raise click.BadParameter(str(error), param_hint="URL") from error


def _must_be_a_test(case: str, publication: Publication) -> None:
    known = [each.name for each in publication.cases]
    if case and case not in known:
        raise click.BadParameter(f"there is no test `{case}`; {did_you_mean(case, known)}", param_hint="--as")
