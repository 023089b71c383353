"""`tailorbird import products FILE`: a feed into the shop's own catalogue file, with a report of what is wrong in it.

The catalogue is a file of JSON lines, which a running server follows. A product that is in both takes what the feed
says of it and keeps the words that the feed does not have; the file is replaced in one step.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click
import orjson

from proxy.catalogue.feeds import line_of, read_feed
from proxy.catalogue.products import Catalogue, Problem
from proxy.catalogue.quality import told_by_kind
from proxy.cli.options import as_json, form_option
from proxy.cli.rulefolder import A_FILE
from proxy.diagnostics import many
from proxy.errors import OperatorError
from proxy.model import Product
from proxy.stores.whole_files import replace_whole

CATALOGUE = "products.jsonl"


@click.command("products")
@click.argument("file", type=A_FILE)
@click.option(
    "--into",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="TAILORBIRD_CATALOGUE",
    help=f"the catalogue file to write  (default: {CATALOGUE} in the rule folder; TAILORBIRD_CATALOGUE)",
)
@click.option("--currency", default="", help="of prices that name none, as EUR")
@click.option("--replace", is_flag=True, help="forget products that are not in FILE")
@click.option("--dry-run", is_flag=True, help="report only, write nothing")
@form_option("how to print the report")
def products(file: Path, into: Path | None, currency: str, replace: bool, dry_run: bool, form: str) -> None:
    """Import products from FILE: a Google Merchant feed (XML or TSV), a table with its columns (CSV), Shopify's CSV, or
    JSON lines.

    Exit code 1 when there is no product in it.
    """
    into = into or (Path(CATALOGUE) if dry_run else _in_rules())
    feed = read_feed(file.read_bytes(), currency=currency)
    changed = 0 if dry_run or not feed.products else _write(feed, into, replace=replace)
    if form == "json":
        totals = {"products": len(feed.products), "changed": changed, "dry_run": dry_run}
        click.echo(as_json({"problems": feed.problems, **totals}))
    else:
        for line in report(file.name, feed):
            click.echo(line)
        click.echo("nothing written (dry run)" if dry_run else f"{changed:,} new or changed in {into}")
    sys.exit(0 if feed.products else 1)


def _in_rules() -> Path:
    folder = Path(os.environ.get("TAILORBIRD_RULES", "rules"))
    if not folder.is_dir():
        raise OperatorError(f"there is no rule folder `{folder}`", help="name the catalogue file to write with --into")
    return folder / CATALOGUE


def problem_lines(name: str, problem: Problem) -> list[str]:
    """A problem with its line and help, as reports print it."""
    word = "warning: " if problem.is_warning else "left out: "
    return [f"{name}:{problem.line}: {word}{problem.what}", f"  = help: {problem.help}"]


def report(name: str, feed: Catalogue) -> list[str]:
    """The problems with line and help, those of one kind together, and how many products there are."""
    lines = [line for problem in told_by_kind(feed.problems) for line in problem_lines(name, problem)]
    kinds = Counter(problem.is_warning for problem in feed.problems)
    sold_out = sum(not product.in_stock for product in feed.products)
    return [
        *lines,
        f"{many(len(feed.products), 'product')}, {sold_out:,} of them out of stock; "
        f"{many(kinds[False], 'row')} left out, {many(kinds[True], 'warning')}.",
    ]


def _write(feed: Catalogue, into: Path, *, replace: bool) -> int:
    """How many products are new or changed. Of two imports into one file the second waits for the first."""
    into.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(into.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        known = dict(_known(into)) if into.exists() else {}
        lines = {} if replace else dict(known)
        for product in feed.products:
            lines[product.id] = _joined(known.get(product.id), product)
        changed = sum(known.get(id) != line for id, line in lines.items()) + len(known.keys() - lines.keys())
        if changed:
            replace_whole(into, b"\n".join(lines.values()) + b"\n")
    finally:
        os.close(folder)
    return changed


def _known(into: Path) -> list[tuple[str, bytes]]:
    """The lines there are by product; what cannot be read does not stay."""
    found = []
    for line in into.read_bytes().splitlines():
        try:
            words = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(words, dict) and "id" in words:
            found.append((str(words["id"]), line))
    return found


_OLD_WORDS = ("image_link", "in_stock", "quantity", "product_type", "google_product_category", "item_group_id")


def _joined(known: bytes | None, product: Product) -> bytes:
    """The product's line: the feed's words, and those of the line before that are not about the same."""
    new: dict[str, Any] = orjson.loads(line_of(product))
    if known is None:
        return orjson.dumps(new)
    old = {word: value for word, value in orjson.loads(known).items() if word not in _OLD_WORDS}
    return orjson.dumps({**old, **new})
