"""`tailorbird why URL`: what a visitor would be shown on a page at a moment, and why, rule by rule.

Nothing is fetched and nothing need run: rules come from their folder, the visitor from the options or the store.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import orjson

from proxy.audience.traits import STRANGER, TRAIT_MEASURES
from proxy.cli.rulefolder import A_FILE, A_FOLDER, existing_store, read_rules
from proxy.conditions.vocabulary import COUNTRIES
from proxy.decide.plan import Plan
from proxy.decide.why import why, why_text
from proxy.diagnostics import as_text, did_you_mean
from proxy.errors import RequestError
from proxy.model import AttributeValue, Profile, Visitor
from proxy.rulebook.compile import Publication
from proxy.serve.context import context_of, languages_of, request_of
from proxy.serve.message import Request
from proxy.settings import from_environment

NO_RULES = "no rule shows anything on this page"


def _country(context: click.Context, option: click.Parameter, said: str | None) -> str | None:
    if said is not None and said.upper() not in COUNTRIES:
        raise click.BadParameter(f"`{said}` is not the two letters of a country")
    return said and said.upper()


@click.command("why")
@click.argument("url")
@click.option("--rules", type=A_FOLDER, default="rules", envvar="TAILORBIRD_RULES", help="the rule folder")
@click.option("--slot", "slots", multiple=True, help="only this slot; may be given again")
@click.option("--segment", "segments", multiple=True, help="a segment the visitor is in; may be given again")
@click.option("--visitor", "visitor_id", default="", help="a visitor's id, whose profile is read from the store")
@click.option("--store", envvar="TAILORBIRD_STORE", metavar="URL", help="where profiles are  (TAILORBIRD_STORE)")
@click.option("--catalogue", envvar="TAILORBIRD_CATALOGUE", type=A_FILE, help="products as JSON lines")
@click.option("--country", callback=_country, metavar="CC", help="two letters, as NO")
@click.option("--language", help="what the browser asks for, as nl-BE")
@click.option("--device", type=click.Choice(["phone", "tablet", "desktop"]))
@click.option(
    "--at", "at", metavar="TIME", help="a moment in the rules' time zone, as 2026-11-25T12:00  (default: now)"
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="any other attribute, as 'cart total=25'")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def command(
    url: str,
    rules: Path,
    slots: tuple[str, ...],
    segments: tuple[str, ...],
    visitor_id: str,
    store: str | None,
    catalogue: Path | None,
    country: str | None,
    language: str | None,
    device: str | None,
    at: str | None,
    settings: tuple[str, ...],
    form: str,
) -> None:
    """What a visitor is shown on the page URL, and why: every rule of every slot there, each fact, the value it met and
    how far it was from matching. URL is a path, like /sale?q=boots, or a whole address; it is not fetched.

    Exit code 1 when the rule folder has problems.
    """
    publication = _publication(rules, catalogue, store)
    _must_have_rules(slots, publication)
    plan = publication.plan
    now = time.time() if at is None else _moment(at, plan)
    profile = asyncio.run(_profile(visitor_id, store)) if visitor_id else STRANGER
    visitor = Visitor(visitor_id, segments=frozenset(segments))
    measures = {**TRAIT_MEASURES, **plan.measures_of(plan.slots)}
    context = context_of(_request(url), visitor, profile or STRANGER, now=now, measures=measures)
    said: dict[str, AttributeValue | None] = {
        "country": country,
        "language": languages_of(language.encode()) if language else None,
        "device": device,
        **_attributes(settings),
    }
    known = {name: value for name, value in said.items() if value is not None}
    context = replace(context, attributes={**context.attributes, **known})
    stories = why(plan, context, slots or publication.slots_on(str(context.attributes["page"])))
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


def _moment(at: str, plan: Plan) -> float:
    """Unix seconds; a time without an offset is in the time zone of the rules."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise click.BadParameter(f"`{at}` is not a time; write 2026-11-25T12:00", param_hint="--at") from error
    timezone = next((rule.timezone for rule in plan.rules), "UTC")
    if not 1970 <= moment.year < 9999:
        raise click.BadParameter(f"`{at}` is not in our time", param_hint="--at")
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))).timestamp()


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


def _attributes(settings: Iterable[str]) -> Mapping[str, AttributeValue]:
    """Attributes from `name=value`: an amount, yes or no, else text. A name given again becomes a set."""
    values: dict[str, AttributeValue] = {}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not name or not equals:
            raise click.BadParameter(f"`{setting}` is not NAME=VALUE", param_hint="--set")
        values[name] = _value(text) if name not in values else frozenset({*_texts(values[name]), text})
    return values


def _texts(value: AttributeValue) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset({str(value)})


def _value(text: str) -> AttributeValue:
    if text in ("yes", "true", "no", "false"):
        return text in ("yes", "true")
    try:
        return float(text)
    except ValueError:
        return text
