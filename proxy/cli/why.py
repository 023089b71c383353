"""`tailorbird why URL`: what a visitor would be shown on a page at a moment, and why, rule by rule.

Nothing is fetched and nothing need run: rules come from their folder, the visitor from the options or the store.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click

from proxy.audience.traits import STRANGER
from proxy.catalogue.shop import Shop
from proxy.cli.existing_store import asked
from proxy.cli.options import as_json, form_option, settings_now
from proxy.cli.persona import persona_of, persona_options
from proxy.cli.rulefolder import CATALOGUE, good, read_rules, rules_option, store_option
from proxy.conditions.localtime import utc_minute
from proxy.decide.why import why, why_text
from proxy.diagnostics import did_you_mean
from proxy.errors import RequestError
from proxy.http.message import Request
from proxy.model import Profile
from proxy.page.json_lists import find_json_lists, find_json_slots
from proxy.page.lists import Lists, find_lists
from proxy.page.markup import Markup
from proxy.page.scan import Uncut, UncutReason
from proxy.page.slots import LISTING, DeclaredSlot
from proxy.personalise import Stock
from proxy.rulebook.compile import Publication
from proxy.stores.joining import whole
from proxy.stores.personal_data import Places
from proxy.stories import with_products
from proxy.visitors.context import request_of
from proxy.visitors.persona import context_as
from proxy.visitors.places import told_by_requests

A_PAGE = click.File("rb")
NO_RULES = "no rule shows anything on this page"
LEARNT_ELSEWHERE = (
    "What goes with what is here from orders.csv and visits.csv alone; the studio's Why? knows what the server learnt."
)


@click.command("why")
@click.argument("url")
@rules_option()
@click.option("--slot", "slots", multiple=True, help="only this slot; may be given again")
@persona_options
@store_option("where profiles are  (TAILORBIRD_STORE)")
@CATALOGUE
@click.option(
    "--page", type=A_PAGE, help="the page as the shop sends it, HTML or JSON (- reads it): says where cards go"
)
@form_option()
def command(
    url: str,
    rules: Path,
    slots: tuple[str, ...],
    store: str | None,
    catalogue: Path | None,
    page: BinaryIO | None,
    form: str,
    **said: Any,
) -> None:
    """What a visitor is shown on the page URL, and why: every rule of every slot there, each fact, the value it met and
    how far it was from matching. URL is a path, like /sale?q=boots, or a whole address; it is not fetched.

    Exit code 1 when the rule folder has problems.
    """
    publication = good(read_rules(rules, catalogue, store))
    _must_have_rules(slots, publication)
    persona = persona_of(publication, **said)
    settings = settings_now(store=store)
    url_of_store = settings.store
    profile = _profile(persona.visitor, url_of_store) if persona.visitor else STRANGER
    shop = Shop.of_a_folder(publication.catalogue, publication.orders, publication.visits)
    stock = Stock(shop, publication.asks, publication.arrangements, contrasts=publication.contrasts)
    known = stock.shop.products.get
    told = told_by_requests(settings)
    context = context_as(publication.plan, _request(url), persona, profile, time.time(), known=known, told=told)
    path = str(context.attributes["page"])
    lists = _lists(page.read(), path, publication.declared) if page else {}
    slots = slots or tuple(dict.fromkeys((*publication.slots_on(path), *lists)))
    stories = with_products(why(publication.plan, context, slots), publication.plan, context, stock, lists)
    if form == "json":
        click.echo(as_json(stories))
        return
    click.echo(why_text(stories) or NO_RULES)
    if store and any(story.products and not story.slot.startswith(LISTING) for story in stories):
        click.echo(LEARNT_ELSEWHERE)
    if persona.visitor:
        for line in asked(url_of_store, lambda places: _since(persona.visitor, places)):
            click.echo(line)


def _lists(body: bytes, path: str, declared: Sequence[DeclaredSlot]) -> Mapping[str, Sequence[str]]:
    """The products of each list of the page; says of others why they stay as they came."""
    is_json = body.lstrip()[:1] in (b"{", b"[")
    if is_json:
        doubt = find_json_slots(body, path=path, declared=(), max_slots=1)
        told = [doubt] if isinstance(doubt, Uncut) and doubt.reason is UncutReason.NOT_JSON else []
        lists = Lists((), tuple(told)) if told else find_json_lists(body, path=path, declared=declared)
    else:
        lists = find_lists(Markup(body, "utf-8"), path=path, declared=declared)
    for left in lists.left_as_is:
        click.echo(f"{left}, so it stays as it came", err=True)
    if not lists.found and not lists.left_as_is:
        click.echo("the page has no list that a rule or slots.yaml names", err=True)
    return {at.range.name: at.cards.products for at in lists.found}


def _must_have_rules(slots: Iterable[str], publication: Publication) -> None:
    known = sorted(publication.plan.slots | {slot.name for slot in publication.declared})
    for slot in slots:
        if slot not in known:
            raise click.BadParameter(f"no rule is for `{slot}`; {did_you_mean(slot, known)}", param_hint="--slot")


def _profile(visitor_id: str, url: str) -> Profile:
    profile = asked(url, lambda places: places.store.get_profile(visitor_id))
    if profile is None:
        click.echo(f"the store has no profile of `{visitor_id}`", err=True)
    return profile or STRANGER


async def _since(visitor_id: str, places: Places) -> list[str]:
    """Since when the visitor is in the segments that webhooks are told of."""
    standings, _ = await places.outbox.stored_of(await whole(places.store, visitor_id))
    since = {name: at for standing in standings for told in standing.by_webhook.values() for name, at in told.items()}
    return [f"in {name} since {utc_minute(at)}" for name, at in since.items()]


def _request(url: str) -> Request:
    try:
        return request_of(url)
    except RequestError as error:
        raise click.BadParameter(str(error), param_hint="URL") from error
