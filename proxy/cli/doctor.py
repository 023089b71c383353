"""`tailorbird doctor URL`: fetches a page as an anonymous visitor and says, line by line, what to mend before
Tailorbird is put in front of it. What is looked at, and how it is judged, is `serve/checkup.py`."""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import httpx

from proxy.cli.rulefolder import A_FOLDER
from proxy.errors import OriginError
from proxy.rulebook.check import check
from proxy.serve.checkup import Level, Line, Visit, checkup
from proxy.settings import Settings, from_environment
from proxy.stores.ruledir import read_folder

TIMEOUT_SECONDS = 10.0
COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


@click.command("doctor")
@click.argument("url")
@click.option("--rules", envvar="TAILORBIRD_RULES", type=A_FOLDER, help="a rule folder, whose slots.yaml counts too")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="how to print the lines")
def command(url: str, rules: Path | None, form: str) -> None:
    """Look at a page as Tailorbird sees it, and say what to mend. Exit code 1 when a line says fail.

    Ask about the origin's own address: what has come through Tailorbird is no longer what the shop said.
    """
    if not is_web_address(url):
        raise click.BadParameter(f"`{url}` is no http or https address", param_hint="URL")
    declared = check(read_folder(rules)).declared if rules else ()
    lines = checkup(replace(visit(url, from_environment(os.environ)), declared=declared))
    if form == "json":
        click.echo(json.dumps([line._asdict() for line in lines], indent=2))
    else:
        for line in lines:
            _print(line)
    sys.exit(any(line.level is Level.FAIL for line in lines))


def is_web_address(url: str) -> bool:
    """True for http and https with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is none
        return False


def _print(line: Line) -> None:
    click.echo(f"{click.style(f'{line.level:<4}', COLOURS[line.level])}  {line.check:<12}{line.says}")
    if line.fix:
        click.echo(f"{'':18}fix: {line.fix}")


def visit(url: str, settings: Settings) -> Visit:
    """Fetches `url` without cookies, redirects or the environment's proxies, within `TIMEOUT_SECONDS` and little more
    than `max_page_bytes`. Raises `OriginError`."""
    trusted = ssl.create_default_context(cafile=settings.origin_ca) if settings.origin_ca else True
    fields = {"accept": "text/html", "accept-encoding": "gzip", "user-agent": "tailorbird-doctor"}
    deadline = time.monotonic() + TIMEOUT_SECONDS
    try:
        with (
            httpx.Client(trust_env=False, verify=trusted, timeout=TIMEOUT_SECONDS, headers=fields) as client,
            client.stream("GET", url) as answer,
        ):
            now = time.time()
            body = _read(answer, settings.max_page_bytes, deadline)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OriginError(
            f"`{url}` could not be fetched: {error}", reason="unreachable", help="is the address right, is the shop up?"
        ) from error
    return Visit(
        path=unquote(urlsplit(url).path) or "/",
        is_https=url.startswith("https:"),
        status=answer.status_code,
        headers=tuple((name.lower(), value) for name, value in answer.headers.raw),
        body=body,
        now=now,
        settings=settings,
    )


def _read(answer: httpx.Response, most: int, deadline: float) -> bytes:
    body = bytearray()
    for chunk in answer.iter_bytes(65_536):
        body += chunk
        if len(body) > most:
            break
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout(f"the body took longer than {TIMEOUT_SECONDS:.0f} s")
    return bytes(body)
