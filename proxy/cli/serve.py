"""`tailorbird serve`: put Tailorbird in front of a shop."""

from __future__ import annotations

import logging
import os
from typing import Any

import click
import uvloop

from proxy.cli.options import given, setting_options
from proxy.errors import OperatorError
from proxy.serve.listener import Listener, run
from proxy.settings import Settings, from_environment
from proxy.studio.app import create_studio
from proxy.wiring import Tailorbird


@click.command("serve")
@setting_options(
    "origin", "rules", "catalogue", "store", "host", "port", "admin_host", "admin_port", "keep_host", "allowed_hosts"
)
def command(**flags: Any) -> None:
    """Put Tailorbird in front of a shop. Every setting may also come from the environment: see docs/reference."""
    settings = from_environment(os.environ, **given(**flags))
    require_what_serving_needs(settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    uvloop.run(serve(settings))


def require_what_serving_needs(settings: Settings) -> None:
    """Raises `OperatorError` for what has no safe default."""
    if not settings.origin:
        raise OperatorError("there is no origin", help="add --origin https://shop.example")
    if not settings.secret:
        raise OperatorError(
            "there is no signing key", help="set TAILORBIRD_SECRET to 32 random bytes, like `openssl rand -hex 32`"
        )
    if settings.admin_port and not settings.admin_token:
        raise OperatorError(
            "the admin listener has no token",
            help="set TAILORBIRD_ADMIN_TOKEN, or --admin-port 0 for no admin listener",
        )


async def serve(settings: Settings) -> None:
    """Serves until told to stop."""
    tailorbird = Tailorbird(settings)
    listeners = [tailorbird.listener(settings.host, settings.port)]
    if settings.admin_port:
        studio = create_studio(tailorbird, token=settings.admin_token)
        listeners.append(Listener("studio", studio, settings.admin_host, settings.admin_port))
    async with tailorbird:
        for listener in listeners:
            click.echo(f"{listener.name:7}{listener.url}/")
        await run(listeners)
