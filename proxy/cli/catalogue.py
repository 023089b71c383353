"""`tailorbird catalogue`: what feeds and the shop's catalogue contain, and what is wrong with it. It only reads:
`import products` imports a feed."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

import click

from proxy.catalogue.facts import Fact, facts_of
from proxy.catalogue.feeds import line_of, read_feed
from proxy.catalogue.products import Catalogue, Flaw
from proxy.catalogue.quality import FIELDS, contradictions_of_feeds, contradictions_with_pages, told_by_kind
from proxy.cli.existing_store import existing_sightings
from proxy.cli.import_products import CATALOGUE, problem_lines
from proxy.cli.options import Subcommands, as_json, form_option
from proxy.cli.rulefolder import A_FILE
from proxy.diagnostics import many, nearest
from proxy.errors import OperatorError
from proxy.model import Product

MOST_LISTED = 10
CURRENCY = click.option("--currency", default="", help="of prices that name none, as EUR")
FORM = form_option("how to print it")
STORE = click.option(
    "--store", default="", help="the address of a server's store, for what the shop's own pages tell of products"
)
OWN = click.option(
    "--catalogue",
    type=click.Path(path_type=Path),
    envvar="TAILORBIRD_CATALOGUE",
    default=Path("rules") / CATALOGUE,
    show_default=True,
    help="what is read when no PATH is given  (TAILORBIRD_CATALOGUE)",
)


@click.group("catalogue", cls=Subcommands)
def command() -> None:
    """Products: the content of feeds, what is wrong with it, and the source of each fact."""


@command.command("check")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=A_FILE)
@CURRENCY
@click.option("--strict", is_flag=True, help="warnings count as problems")
@STORE
@FORM
def check(paths: tuple[Path, ...], currency: str, strict: bool, store: str, form: str) -> None:
    """List what is missing, contradictory, duplicate or unreadable in feeds, by line, each with a help; and how
    complete their products are. Of many alike the first five and their number; all of them with --format json.

    PATH is a Google Merchant feed (XML or TSV), a table (CSV), Shopify's product export, or JSON lines. Exit code 1
    when a row is left out, or there is no product; with --strict also for warnings. With --store, a difference from a
    product's own page is a warning too.
    """
    feeds = {str(path): read_feed(path.read_bytes(), currency=currency) for path in paths}
    problems = [(name, problem) for name, feed in feeds.items() for problem in feed.problems]
    problems += [*contradictions_of_feeds(feeds), *contradictions_with_pages(_pages(store), feeds)]
    if form == "json":
        found = [{"file": name, **asdict(problem)} for name, problem in problems]
        click.echo(as_json({"files": [_totals(*each) for each in feeds.items()], "problems": found}))
    else:
        for name in feeds:
            for problem in told_by_kind(problem for feed, problem in problems if feed == name):
                click.echo("\n".join(problem_lines(name, problem)))
        for name, feed in feeds.items():
            click.echo("\n".join(_summary(_totals(name, feed), feed)))
    sys.exit(any(strict or not problem.is_warning for _, problem in problems))


@command.command("show")
@click.argument("product_id", metavar="ID")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=A_FILE)
@OWN
@CURRENCY
@STORE
@FORM
def show(product_id: str, paths: tuple[Path, ...], catalogue: Path, currency: str, store: str, form: str) -> None:
    """Print all facts about a product, and the source of each.

    Of several PATHs the later one wins, as if they were imported one after another; the values of the others are listed
    beside. With --store it includes the product's own page, which is used where no file has a value. Exit code 1 when
    no file has the product.
    """
    page = _pages(store).get(product_id)
    files = {str(path): path.read_bytes() for path in paths or (_there(catalogue),)}
    if page is not None:
        files = _with_page(page, files)
    known = facts_of(product_id, files, currency=currency)
    if known is None:
        raise OperatorError(f"there is no product `{product_id}` in {', '.join(files)}", help=_close(product_id, files))
    if form == "json":
        click.echo(as_json({"id": product_id, **asdict(known)}))
        return
    for fact in known.facts:
        click.echo("\n".join(_fact_lines(fact)))
    for fault in known.faults:
        click.echo(fault)


@command.command("stats")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=A_FILE)
@OWN
@CURRENCY
@FORM
def stats(paths: tuple[Path, ...], catalogue: Path, currency: str, form: str) -> None:
    """Print how many products there are, of which brands and categories, at what prices, and how many cannot be sold
    now."""
    products: dict[str, Product] = {}
    for path in paths or (_there(catalogue),):
        products |= {product.id: product for product in read_feed(path.read_bytes(), currency=currency).products}
    if not products:
        raise OperatorError("there is no product in it", help="`tailorbird catalogue check PATH` says why")
    figures = _figures(list(products.values()), time.time())
    if form == "json":
        click.echo(as_json(figures))
        return
    for name, value in figures.items():
        click.echo(f"{name:<20}  {', '.join(_shown(value)) if isinstance(value, dict) else f'{value:,}'}")


def _pages(store: str) -> dict[str, Product]:
    """What pages told last of products, by id."""
    told = asyncio.run(existing_sightings(store)) if store else []
    return {sighting.id: sighting.product for sighting in told if sighting.product and not sighting.is_change}


def _with_page(page: Product, files: dict[str, bytes]) -> dict[str, bytes]:
    """The page as a file before the others. Its word on stock counts only where there is no other."""
    is_known = any(product.id == page.id for data in files.values() for product in read_feed(data).products)
    line = line_of(replace(page, in_stock=True) if is_known else page)
    return {page.link: line.replace(b'"availability":"in_stock",', b"") if is_known else line} | files


def _there(catalogue: Path) -> Path:
    if not catalogue.exists():
        raise OperatorError(
            f"there is no `{catalogue}`", help="name a PATH, or bring a feed in by `tailorbird import products FILE`"
        )
    return catalogue


def _totals(name: str, feed: Catalogue) -> dict[str, Any]:
    kinds = Counter(problem.is_warning for problem in feed.problems)
    flaws = Counter(problem.flaw.value for problem in feed.problems)
    count = len(feed.products)
    said = {word: round(sum(map(says, feed.products)) / count, 4) for word, says in FIELDS.items()} if count else {}
    return {
        "file": name,
        "format": feed.format,
        "products": count,
        "out_of_stock": sum(not product.in_stock for product in feed.products),
        "left_out": kinds[False],
        "warnings": kinds[True],
        "flaws": {flaw.value: flaws[flaw.value] for flaw in Flaw},
        "said": said,
    }


def _summary(totals: dict[str, Any], feed: Catalogue) -> Iterator[str]:
    yield (
        f"{totals['file']} ({totals['format']}): {many(totals['products'], 'product')}, "
        f"{totals['out_of_stock']:,} of them out of stock; {many(totals['left_out'], 'row')} left out, "
        f"{many(totals['warnings'], 'warning')}"
    )
    if feed.problems:
        yield "  " + ", ".join(f"{flaw} {count:,}" for flaw, count in totals["flaws"].items())
    if totals["said"]:
        yield "  they say " + ", ".join(f"{word} {share:.0%}" for word, share in totals["said"].items())


def _fact_lines(fact: Fact) -> Iterator[str]:
    yield f"{fact.name:<14}{fact.value:<44}  {fact.said or 'nobody says'}".rstrip()
    for other in fact.others:
        differs = "says the same" if other.value == fact.value else f"says {other.value}"
        yield f"{'':<14}{'':<44}  {other} {differs}"


def _close(product_id: str, files: dict[str, bytes]) -> str:
    known = [product.id for data in files.values() for product in read_feed(data).products]
    close = nearest(product_id, known)
    return f"did you mean `{close}`?" if close else f"there are {len(known):,} others"


def _figures(products: Sequence[Product], now: float) -> dict[str, Any]:
    currencies = sorted({product.currency for product in products if product.price})
    prices = {name: [p.price_at(now) for p in products if p.price and p.currency == name] for name in currencies}
    return {
        "products": len(products),
        "groups of variants": len({product.group for product in products if product.group}),
        "out of stock": sum(not product.in_stock for product in products),
        "on sale now": sum(product.price_at(now) < product.price for product in products),
        "without a price": sum(not product.price for product in products),
        "without a picture": sum(not product.image for product in products),
        "prices": {name: f"{min(of)} to {max(of)}, median {median(of)}" for name, of in prices.items()},
        "brands": _most(product.brand for product in products),
        "categories": _most(product.category.partition("/")[0] for product in products),
        "tags": _most(tag for product in products for tag in product.tags),
    }


def _most(names: Iterator[str]) -> dict[str, int]:
    return dict(Counter(filter(None, names)).most_common(MOST_LISTED))


def _shown(value: dict[str, Any]) -> Iterator[str]:
    for name, count in value.items():
        yield f"{name} {count:,}" if isinstance(count, int) else f"{count} {name}"
    if not value:
        yield "-"
