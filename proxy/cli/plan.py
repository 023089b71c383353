"""`tailorbird plan [DIR]`: what a draft would change, and who would see something different."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import NoReturn

import click
from click.core import ParameterSource

from proxy.cli.existing_store import recorded_views
from proxy.cli.options import as_json, form_option, settings_now
from proxy.cli.replay import views_in
from proxy.cli.rulefolder import A_FILE, A_FOLDER, CATALOGUE, MOST_VIEWS, loaded_from, rules_option, store_option
from proxy.cli.states import State, before_saved, must_be_good, publication_of, state_of
from proxy.drafts.report import as_text, prospect
from proxy.errors import OperatorError
from proxy.model import View
from proxy.rulebook.compile import Loaded
from proxy.rulebook.lints import Site
from proxy.serve.drafts import checks_of, plan_text
from proxy.stores.versions import Versions


@click.command("plan")
@click.argument("folder", metavar="[DIR]", required=False, type=A_FOLDER)
@rules_option("the folder that is served")
@click.option(
    "--against",
    metavar="STATE",
    help="live, a version's number or a folder  (default: live; where a saved folder is live, the version before)",
)
@click.option(
    "--views", "most", type=click.IntRange(0), default=MOST_VIEWS, help=f"how many, the last  (default: {MOST_VIEWS:,})"
)
@click.option("--log", type=A_FILE, help="views from a file of `tailorbird replay --save`, not from the store")
@store_option("where views are recorded  (TAILORBIRD_STORE)")
@CATALOGUE
@form_option()
def command(
    folder: Path | None,
    rules: Path,
    against: str | None,
    most: int,
    log: Path | None,
    store: str | None,
    catalogue: Path | None,
    form: str,
) -> None:
    """Show what the draft in DIR (by default the served folder) changes in meaning compared with what is live, and who
    would see something different: the last recorded page views are decided by both. Where a saved folder is live at
    once, it shows what the last change changed. A DIR with versions of its own is compared with what is live there,
    unless --rules names another. Exit code 1 when the draft has mistakes or one of its tests fails."""
    is_named = click.get_current_context().get_parameter_source("rules") is not ParameterSource.DEFAULT
    if folder and not is_named and Versions(folder).live():
        rules, folder = folder, None
    draft = state_of(str(folder or "draft"), rules)
    if against is None and form == "text" and not Versions(rules).live():
        _tell_of_first(loaded_from(draft.files, catalogue, store, Site(time.time())), draft.name)
    live = state_of(against or "live", rules)
    before = None if against or folder else before_saved(draft, rules)
    if before:
        live, draft = before, State(f"{live.name}, which is live", draft.files)
    loaded = loaded_from(draft.files, catalogue, store, Site(time.time()))
    checks = checks_of(loaded, time.time())
    told = prospect(
        _views(log, store, most),
        publication_of(live, catalogue, store),
        must_be_good(draft, loaded),
        checks,
        time.time(),
        names=(live.name, draft.name),
        is_live=before is not None,
    )
    click.echo(as_json(told) if form == "json" else as_text(told))
    if form == "text" and checks.may_publish and told.changes and not told.is_live:
        click.echo('Publish with: tailorbird publish -m "…"')
    sys.exit(not checks.may_publish)


def _tell_of_first(loaded: Loaded, name: str) -> NoReturn:
    """Ends the command with what is to be said of a draft before anything was live."""
    now = time.time()
    checks = checks_of(loaded, now)
    click.echo(plan_text((), None, loaded, checks, now, ("", name)))
    if checks.may_publish:
        click.echo('Make it live with: tailorbird publish -m "…"; or serve it, where a saved folder is live')
    sys.exit(not checks.may_publish)


def _views(log: Path | None, store: str | None, most: int) -> list[View]:
    """The recorded views; none, with a word on stderr, where nothing is recorded."""
    if log:
        return list(views_in(log))[-most:] if most else []
    try:
        return asyncio.run(recorded_views(settings_now(store=store).store, most))
    except OperatorError as error:
        click.echo(f"no page views: {error}", err=True)
        return []
