"""`tailorbird serve`: puts Tailorbird in front of a shop.

One worker runs in this process. Several run under a supervisor, which this process then is; so the modules that serve
are imported only by workers.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

import click

from proxy.bus.shared_counts import SharedCounts
from proxy.cli.options import setting_options, settings_now
from proxy.environment import PREFIX, mistaken, to_environment
from proxy.errors import OperatorError
from proxy.metrics import Metrics
from proxy.processes import logs, systemd
from proxy.processes.descriptors import within_reach
from proxy.processes.listener import Listener, bind, run, url_of, without_delay
from proxy.processes.supervisor import REPLACED, Supervisor
from proxy.processes.zygote import Command
from proxy.settings import FLAGS, Settings
from proxy.stores import keep_reserve
from proxy.turns import take_short_turns
from proxy.upstream.tls import client_tls


class Places(NamedTuple):
    """The bound sockets; `admin` is None for no admin listener."""

    public: socket.socket
    admin: socket.socket | None


log = logging.getLogger("tailorbird.processes")

SHORTEST_TOKEN = 8  # a browser asks for it like for a password, and may be told it by who types


@click.command("serve")
@setting_options(*FLAGS)
def command(**flags: Any) -> None:
    """Put Tailorbird in front of a shop. Every setting may also come from the environment: see docs/reference."""
    settings = settings_now(**flags)
    require_what_serving_needs(settings)
    logs.set_up(settings.log_level, settings.log_format)
    if settings.workers > 1:
        sys.exit(supervise(settings))
    import uvloop

    uvloop.run(serve(settings))


def require_that_writers_publish_nothing(settings: Settings) -> None:
    """Raises `OperatorError` where a file that a writer saves would be live, or a token has two roles."""
    if settings.writer_token and not (settings.rules_mode == "published" and settings.studio_writes):
        help = "set TAILORBIRD_RULES_MODE=published and TAILORBIRD_STUDIO_WRITES=true, or leave it out"
        raise mistaken("writer_token", "nobody can write drafts here, which somebody else publishes", help=help)
    tokens = [token for token in (settings.admin_token, settings.reader_token, settings.writer_token) if token]
    if len(set(tokens)) < len(tokens):
        raise OperatorError(
            "two of the admin listener's tokens are the same", help="give each its own, like `openssl rand -hex 16`"
        )


def require_what_serving_needs(settings: Settings) -> None:
    """Raises `OperatorError` for what has no safe default."""
    if not settings.origin:
        raise mistaken("origin", "there is none", help="add --origin https://shop.example")
    if not settings.secret:
        raise OperatorError(
            "there is no signing key", help="set TAILORBIRD_SECRET to 32 random bytes, like `openssl rand -hex 32`"
        )
    if settings.admin_port and not settings.admin_token:
        raise OperatorError(
            "the admin listener has no token",
            help="set TAILORBIRD_ADMIN_TOKEN, or --admin-port 0 for no admin listener",
        )
    require_that_writers_publish_nothing(settings)
    for name in ("admin_token", "reader_token", "writer_token"):
        if settings.admin_port and 0 < len(getattr(settings, name)) < SHORTEST_TOKEN:
            raise OperatorError(
                f"the admin listener's token is shorter than {SHORTEST_TOKEN} characters",
                help=f"set {PREFIX}{name.upper()} to random ones, like `openssl rand -hex 16`",
            )
    if settings.tls_key and not settings.tls_certificate:
        raise OperatorError("there is a TLS key, but no certificate", help="name its PEM file in --tls-certificate")
    if settings.origin_ca or settings.origin_certificate:
        client_tls(settings)  # also where no origin is asked over https yet
    if settings.webhooks:
        from proxy.outbox.leader import webhooks_in  # with the whole language of rules

        webhooks_in(settings.webhooks)
    if not Path(settings.rules).is_dir():
        raise mistaken(
            "rules",
            f"there is no folder `{settings.rules}`",
            help="one with nothing but `rules: []` in a.rules.yaml shows pages as they are",
        )


def places_of(settings: Settings) -> Places:
    """Binds both, where systemd has not. Raises `OperatorError`."""
    public, studio = systemd.passed()
    public = without_delay(public) if public else bind("proxy", settings.host, settings.port, settings.backlog)
    if not settings.admin_port:
        return Places(public, None)
    return Places(public, studio or bind("studio", settings.admin_host, settings.admin_port))


def announce(places: Places, settings: Settings) -> None:
    """Tells where we listen: on standard output, unless a program reads that."""
    tell = log.info if settings.access_log == "-" or settings.log_format == "json" else click.echo
    tell(f"proxy  {url_of(places.public, is_tls=bool(settings.tls_certificate))}/")
    if places.admin is not None:
        tell(f"studio {url_of(places.admin, is_tls=False)}/")
    systemd.notify(systemd.READY)


async def serve(
    settings: Settings,
    inherited: Places | None = None,
    *,
    folder: Path | None = None,
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Serves until told to stop, alone, or as one of those who `inherited` bound sockets and share `folder`. `beside`
    runs from when we are ready."""
    from proxy.studio.app import create_studio
    from proxy.studio.roles import Others
    from proxy.visitors.preview import Tokens
    from proxy.wiring import Tailorbird

    take_short_turns()
    settings = within_reach(settings)
    keep_reserve(settings.store)
    tailorbird = Tailorbird(settings, shared=folder)
    places = inherited or places_of(settings)
    listeners = [tailorbird.listener(bound=places.public)]
    if places.admin is not None:
        studio = create_studio(
            tailorbird.desk,
            token=settings.admin_token,
            others=Others(settings.reader_token, settings.writer_token, settings.approval == "required"),
            may_write=settings.studio_writes,
            tokens=Tokens(settings.secret, shop_url=settings.shop_url),
        )
        listeners.append(Listener("studio", studio, bound=places.admin, drain_seconds=1))
    is_alone = inherited is None  # else the supervisor says what happens to all

    def stop_accepting() -> None:
        if is_alone:
            log.info("stopping: within %.0f s", settings.lame_duck_seconds + settings.drain_seconds)
            systemd.notify(systemd.STOPPING)
        tailorbird.desk.stop_accepting()

    async with tailorbird:
        if is_alone:
            announce(places, settings)
        task = asyncio.create_task(beside()) if beside is not None else None
        await run(listeners, lame_duck_seconds=settings.lame_duck_seconds, on_notice=stop_accepting)
        if task is not None:
            task.cancel()
    if is_alone:
        log.info("stopped")


def supervise(settings: Settings) -> int:
    """Keeps the workers until told to stop; the exit code."""
    places = places_of(settings)
    try:
        shared = tempfile.TemporaryDirectory(prefix="tailorbird-")
    except FileNotFoundError as error:  # of all folders that it looks for
        raise OperatorError(
            "there is no folder for temporary files, in which workers hear of each other",
            help="let Tailorbird's user write into `/tmp` (with a read-only root, a tmpfs), or name another in TMPDIR",
        ) from error
    with shared as folder:
        return asyncio.run(_supervise(settings, places, Path(folder)))


async def _supervise(settings: Settings, places: Places, folder: Path) -> int:
    counts = SharedCounts(folder, "supervisor", metrics := Metrics())

    def count(why: str, by: int = 1) -> None:
        metrics.count("tailorbird_workers_replaced_total", "why", why, by)
        counts.write()

    for why in REPLACED:
        count(why, 0)  # or the first would be no rise to Prometheus
    supervisor = Supervisor(zygote_command(settings, places, folder), settings, count, counts.take_over)
    if not await supervisor.start():
        await supervisor.stop()
        return 1
    announce(places, settings)
    await supervisor.keep()
    return 0


def zygote_command(settings: Settings, places: Places, folder: Path) -> Command:
    """How the zygote is started whose workers serve at these places by these settings."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    numbers = [str(-1 if place is None else place.fileno()) for place in places]
    return Command(
        (sys.executable, "-m", "proxy.cli.worker", str(folder), *numbers),
        {**others, **to_environment(settings)},
        [place for place in places if place is not None],
    )
