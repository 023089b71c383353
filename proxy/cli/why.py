"""`tailorbird why URL`: what a visitor would be shown on a page at a moment, and why, rule by rule.

Nothing is fetched and nothing need run: rules come from their folder, the visitor from the options or the store.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import orjson

from proxy.audience.traits import STRANGER
from proxy.cli.persona import persona_of, persona_options
from proxy.cli.rulefolder import A_FILE, A_FOLDER, existing_store, read_rules
from proxy.decide.why import why, why_text
from proxy.diagnostics import as_text, did_you_mean
from proxy.environment import from_environment
from proxy.errors import RequestError
from proxy.http.message import Request
from proxy.model import Profile
from proxy.personalise import Stock, with_products
from proxy.rulebook.compile import Publication
from proxy.visitors.context import request_of
from proxy.visitors.persona import context_as

NO_RULES = "no rule shows anything on this page"


@click.command("why")
@click.argument("url")
@click.option("--rules", type=A_FOLDER, default="rules", envvar="TAILORBIRD_RULES", help="the rule folder")
@click.option("--slot", "slots", multiple=True, help="only this slot; may be given again")
@persona_options
@click.option("--store", envvar="TAILORBIRD_STORE", metavar="URL", help="where profiles are  (TAILORBIRD_STORE)")
@click.option("--catalogue", envvar="TAILORBIRD_CATALOGUE", type=A_FILE, help="products as JSON lines")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def command(
    url: str,
    rules: Path,
    slots: tuple[str, ...],
    store: str | None,
    catalogue: Path | None,
    form: str,
    **said: Any,
) -> None:
    """What a visitor is shown on the page URL, and why: every rule of every slot there, each fact, the value it met and
    how far it was from matching. URL is a path, like /sale?q=boots, or a whole address; it is not fetched.

    Exit code 1 when the rule folder has problems.
    """
    publication = _publication(rules, catalogue, store)
    _must_have_rules(slots, publication)
    persona = persona_of(publication, **said)
    profile = asyncio.run(_profile(persona.visitor, store)) if persona.visitor else STRANGER
    context = context_as(publication.plan, _request(url), persona, profile or STRANGER, time.time())
    stock = Stock.of_a_folder(publication.catalogue, publication.asks, publication.orders, publication.visits)
    slots = slots or tuple(publication.slots_on(str(context.attributes["page"])))
    stories = with_products(why(publication.plan, context, slots), context, stock)
    click.echo(
        orjson.dumps(stories, option=orjson.OPT_INDENT_2).decode() if form == "json" else why_text(stories) or NO_RULES
    )


def _publication(folder: Path, catalogue: Path | None, store: str | None) -> Publication:
    loaded = read_rules(folder, catalogue, store)
    if loaded.publication is None:
        click.echo(as_text(loaded.findings, loaded.sources), err=True)
        sys.exit(1)
    return loaded.publication


def _must_have_rules(slots: Iterable[str], publication: Publication) -> None:
    known = sorted(publication.plan.slots | {slot.name for slot in publication.declared})
    for slot in slots:
        if slot not in known:
            raise click.BadParameter(f"no rule is for `{slot}`; {did_you_mean(slot, known)}", param_hint="--slot")


async def _profile(visitor_id: str, store: str | None) -> Profile | None:
    async with existing_store(from_environment(os.environ, store=store).store) as opened:
        profile = await opened.get_profile(visitor_id)
    if profile is None:
        click.echo(f"the store has no profile of `{visitor_id}`", err=True)
    return profile


def _request(url: str) -> Request:
    try:
        return request_of(url)
    except RequestError as error:
        raise click.BadParameter(str(error), param_hint="URL") from error
