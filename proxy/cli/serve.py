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
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple

import click

from proxy.bus.shared_counts import SharedCounts
from proxy.cli.mistakes import missing, unfit
from proxy.cli.options import read_settings, setting_options
from proxy.environment import PREFIX, as_written, to_environment
from proxy.errors import OperatorError, must_be_none
from proxy.garbage import collector_paused
from proxy.metrics import Metrics
from proxy.processes import logs, systemd
from proxy.processes.descriptors import within_reach
from proxy.processes.listener import Listener, bind, prepared, run, url_of
from proxy.processes.supervisor import Supervisor
from proxy.processes.zygote import Command
from proxy.settings import FLAGS, Settings, rows
from proxy.stores import keep_reserve, open_store, server_of
from proxy.turns import take_short_turns


class Places(NamedTuple):
    """The bound sockets; `admin` is None for no admin listener."""

    public: socket.socket
    admin: socket.socket | None


log = logging.getLogger("tailorbird.processes")


@click.command("serve")
@setting_options(*FLAGS)
@click.option("--check", is_flag=True, help="only check the settings, and print those that are not as by default")
def command(*, check: bool, **flags: Any) -> None:
    """Put Tailorbird in front of a shop. Every setting may also come from the environment: see docs/reference."""
    settings, mistakes = read_settings(**flags)
    if check:
        must_be_none([*mistakes, *missing(settings), *unfit(settings)])
        click.echo(effective(settings, flags))
        asyncio.run(must_answer(settings))
        return
    with collector_paused():
        must_be_sound(settings, mistakes)
    logs.set_up(settings.log_level, settings.log_format)
    if settings.workers > 1:
        sys.exit(supervise(settings))
    import uvloop

    uvloop.run(serve(settings))


def must_be_sound(settings: Settings, mistakes: Sequence[OperatorError]) -> None:
    """Raises all `mistakes` with all others in the settings; those that take importing what serves are left to the
    workers, where there will be any."""
    found = [*mistakes, *missing(settings)]
    if found or settings.workers == 1:
        found += unfit(settings)
    must_be_none(found)


async def must_answer(settings: Settings) -> None:
    """Raises `StoreError` for a server that does not. A file is not opened: it would belong to whoever looks."""
    if server_of(settings.store) is not None:
        async with aclosing(open_store(settings.store, settings)) as store:
            await store.newest_change()


def effective(settings: Settings, flags: Mapping[str, Any]) -> str:
    """The settings that are not as by default, a line each, with where each is from."""
    lines = []
    for row in rows():
        value, variable = getattr(settings, row.name), PREFIX + row.name.upper()
        if value != row.default:
            source = f"--{row.name.replace('_', '-')}" if flags.get(row.name) not in (None, ()) else variable
            lines.append(f"{row.name} = {_shown(row.name, as_written(value))}  ({source})")
    return "\n".join([*lines, f"the other {len(rows()) - len(lines)} are as by default"])


def _shown(name: str, value: str) -> str:
    """A value as anybody may read it, who looks at a log."""
    if name == "write_keys":
        return ",".join(f"{row.rpartition(':')[0]}:..." for row in value.split(","))
    if name == "secret" or name.endswith("_token"):
        return f"{len(value)} characters"
    if name == "store" and ("@" in value or "password=" in value):
        from proxy.stores.address import without_password  # with the client of such servers

        return without_password(value)
    return value


def places_of(settings: Settings) -> Places:
    """Binds both, where systemd has not. Raises `OperatorError`."""
    public, studio = systemd.passed()
    public = prepared(public) if public else bind("proxy", settings.host, settings.port, settings.backlog)
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
    with collector_paused():
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
            tokens=Tokens(settings.secret, shop_url=settings.shop_url, hosts=settings.allowed_hosts),
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

    def count(why: str) -> None:
        metrics.count("tailorbird_workers_replaced_total", "why", why)
        counts.write()

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
