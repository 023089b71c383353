"""`tailorbird shop`: the demo storefront alone, as an origin to put Tailorbird in front of."""

from __future__ import annotations

import click
import uvloop

from proxy.demo.shop import create_shop
from proxy.processes.listener import Listener, run


@click.command("shop")
@click.option("--host", default="127.0.0.1", help="address to listen on")
@click.option("--port", type=click.IntRange(0, 65_535), default=8090, help="port to listen on")
def command(host: str, port: int) -> None:
    """The demo storefront alone, as an origin to put Tailorbird in front of."""
    listener = Listener("shop", create_shop(), host, port)
    click.echo(f"Shop   {listener.url}/")
    uvloop.run(run([listener]))
