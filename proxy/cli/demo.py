"""`tailorbird demo`: the demo shop, Tailorbird in front of it and the studio, in one process on the loopback."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import shutil
import sys
import sysconfig
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import uvloop

from proxy.cli.options import setting_options, settings_now
from proxy.demo.catalogue import PRODUCTS
from proxy.demo.month import month_before
from proxy.demo.sessions import COOKIE as SESSION_COOKIE
from proxy.demo.shop import create_shop
from proxy.demo.toolbar import routes, with_toolbar
from proxy.demo.visitors import VISITORS, seeded
from proxy.errors import OperatorError
from proxy.processes.listener import Listener, run
from proxy.settings import DEFAULTS, Settings
from proxy.studio.app import create_studio
from proxy.studio.views import Link
from proxy.visitors.preview import Tokens
from proxy.wiring import Tailorbird

INSTALLED_RULES = Path(sysconfig.get_path("data")) / "share" / "tailorbird" / "rules"
"""Where an installed wheel has the demo's rules."""


@click.command("demo")
@setting_options("rules", "port", "admin_port")
@click.option("--store", metavar="URL", help="profiles and events  (default: a file that goes when the demo ends)")
@click.option(
    "--shop-port", type=click.IntRange(0, 65_535), default=8090, help="port of the demo shop  (default: 8090)"
)
def command(shop_port: int, store: str | None, **flags: Any) -> None:
    """The demo shop behind Tailorbird, with links to open. Loopback only; stop it with Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    with tempfile.TemporaryDirectory(prefix="tailorbird-") as folder:
        try:
            own_store = f"sqlite:{Path(folder) / 'demo.db'}"
            uvloop.run(demo(shop_port, {**flags, "store": store or own_store}, has_month=store is None))
        except OperatorError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE:
                error.help = "is it another demo? `tailorbird demo --port 0 --admin-port 0 --shop-port 0` takes others"
            raise


async def demo(shop_port: int, flags: dict[str, Any], *, has_month: bool) -> None:
    """Serves the three until told to stop. `has_month`: the store gets a month of made-up visitors."""
    shop = Listener("shop", create_shop(), "127.0.0.1", shop_port)
    settings = demo_settings(shop.url, flags)
    tailorbird = Tailorbird(settings, is_demo=True, adapt=with_toolbar)
    proxy = tailorbird.listener("127.0.0.1", settings.port)
    tokens = Tokens(settings.secret, is_demo=True, shop_url=proxy.url)
    studio = Listener(
        "studio",
        create_studio(tailorbird.desk, token="", may_write=True, tokens=tokens),
        "127.0.0.1",
        settings.admin_port,
    )
    tailorbird.add_routes(routes(tailorbird.cookies, studio.url, tailorbird.now))
    tailorbird.desk.links = links(proxy.url, shop.url)
    await tailorbird.store.put_profiles(seeded(tailorbird.now()))
    if has_month:
        await tailorbird.store.apply(list(month_before(tailorbird.now())))
    async with tailorbird:
        announce(proxy.url, shop.url, studio.url, settings)
        await run([shop, proxy, studio])


def demo_settings(origin: str, flags: dict[str, Any]) -> Settings:
    """The environment's settings, with a key of this run where there is none; the loopback may say where a visitor is;
    the shop's session cookie, which every visitor has, makes no page personal. Raises `OperatorError`."""
    settings = settings_now(origin=(origin,), **flags)
    if not Path(settings.rules).is_dir():
        bring_rules(settings.rules)
    return replace(
        settings,
        secret=settings.secret or secrets.token_urlsafe(32),
        trusted_proxies=("127.0.0.1",),
        region_header=settings.region_header or "CF-Region",
        city_header=settings.city_header or "CF-IPCity",
        latitude_header=settings.latitude_header or "CF-IPLatitude",
        longitude_header=settings.longitude_header or "CF-IPLongitude",
        time_zone_header=settings.time_zone_header or "CF-Timezone",
        ignored_cookies=(*settings.ignored_cookies, SESSION_COOKIE),
        catalogue=settings.catalogue or str(PRODUCTS),
    )


def bring_rules(folder: str) -> None:
    """Copies the demo's own rules, which were installed with Tailorbird, to `rules` here, to be edited. Raises
    `OperatorError` if another folder was named, they are not there, or nothing can be written here."""
    if folder != DEFAULTS.rules or not INSTALLED_RULES.is_dir():
        raise OperatorError(
            f"there is no rule folder `{folder}`",
            help="without --rules the demo copies its own to `rules` here, if Tailorbird was installed from a wheel; "
            "they are in the folder `rules` of its sources, too",
        )
    try:
        shutil.copytree(INSTALLED_RULES, folder)
    except OSError as error:
        raise OperatorError(f"the demo's rules cannot be copied to `{folder}`: {error}") from error
    click.echo(f"The demo's rules were copied to {folder}/")


def links(proxy_url: str, shop_url: str) -> list[Link]:
    """What the studio's first page opens."""
    people = [Link(f"as {v.name.title()}", f"{proxy_url}/_tb/demo/as/{v.name}") for v in VISITORS]
    return [Link("The shop, personalised", f"{proxy_url}/"), *people, Link("The shop alone", f"{shop_url}/")]


def announce(proxy_url: str, shop_url: str, studio_url: str, settings: Settings) -> None:
    """Prints the links to open, and commands that work as they stand."""
    command = "tailorbird" if shutil.which("tailorbird") else sys.argv[0]
    rules = f" --rules {settings.rules}" if settings.rules != DEFAULTS.rules else ""
    click.echo("Tailorbird demo. Open:\n")
    click.echo(f"  {proxy_url}/   the shop, personalised; switch person in the toolbar below")
    for visitor in VISITORS:
        click.echo(f"      {proxy_url}/_tb/demo/as/{visitor.name:<6}{visitor.says}")
    click.echo(f"  {studio_url}/   the studio: rules, what was shown just now, why, and what an experiment brought")
    click.echo(f"  {shop_url}/   the shop alone, as it knows nothing of this\n")
    publish = f", `{command} publish -m 'why'{rules}`" if settings.rules_mode == "published" else ""
    click.echo(f"Edit a file in {settings.rules}/{publish} and reload.")
    click.echo("After some pages, who would have seen something different:")
    click.echo(f"\n  {command} plan --store {settings.store}{rules}\n")
    key = "" if os.environ.get("TAILORBIRD_SECRET") else f"TAILORBIRD_SECRET={settings.secret} "  # of this run alone
    click.echo("The same page as somebody else sees it, by a link:\n")
    click.echo(f"  {key}{command} preview {proxy_url}/ --country NO --device phone{rules}\n")
    click.echo("Ctrl-C stops everything.")
