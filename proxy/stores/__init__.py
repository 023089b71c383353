"""Where profiles and events live, the page views recorded last, what pages told of products, and what goes out to
webhooks. One row and three files a store; every store passes the suites of `tests/contracts/`.

A store's module has `connect(url, settings) -> Store`, which raises `OperatorError` when the URL makes no sense;
beside it `MODULE_pages` has `open_views(url) -> ViewLog` and `open_sightings(url) -> Sightings`, and `MODULE_outbox`
has `connect(url) -> Outbox`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from proxy.diagnostics import did_you_mean
from proxy.errors import OperatorError
from proxy.ports import Outbox, Sightings, Store, ViewLog
from proxy.settings import DEFAULTS, Settings


class Row(NamedTuple):
    """A store: the scheme of its URLs, its module, its line of help."""

    scheme: str
    module: str
    help: str


STORES = (
    Row("sqlite", "sqlite", "sqlite:PATH, a file on this machine, shared by its worker processes"),
    Row("redis", "redis", "redis://HOST:PORT/DB, a Redis or Valkey server shared by many machines"),
    Row("rediss", "redis", "rediss://HOST:PORT/DB, the same over TLS"),
    Row("unix", "redis", "unix:///PATH/TO/SOCKET, the same over a Unix socket"),
    Row("redis+sentinel", "redis", "redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DB, whom Sentinels call the master"),
    Row("rediss+sentinel", "redis", "the same over TLS, Sentinels too"),
    Row("redis+cluster", "redis", "redis+cluster://HOST:PORT,HOST:PORT, a cluster that these belong to"),
    Row("rediss+cluster", "redis", "rediss+cluster://HOST:PORT,HOST:PORT, the same over TLS"),
)


def modules_of(url: str) -> tuple[str, ...]:
    """The modules of the store at `url`. Raises `OperatorError`."""
    return tuple(f"proxy.stores.{_row(url).module}{part}" for part in ("", "_pages", "_outbox"))


def must_fit(url: str) -> None:
    """Raises `OperatorError` for an address at which no store can be, or a server that wants another form of it. One
    that is away fits."""
    if _row(url).module == "redis":
        from proxy.stores import redis_connecting

        redis_connecting.must_be_whole(url)
    else:
        from proxy.stores import sqlite_file

        sqlite_file.must_be_usable(sqlite_file.path_of(url))


def open_store(url: str, settings: Settings = DEFAULTS) -> Store:
    """The store at `url`; its module is imported only now. Raises `OperatorError`."""
    store: Store = importlib.import_module(f"proxy.stores.{_row(url).module}").connect(url, settings)
    return store


def open_views(url: str) -> ViewLog:
    """The views recorded in the store at `url`. Raises `OperatorError`."""
    log: ViewLog = importlib.import_module(f"proxy.stores.{_row(url).module}_pages").open_views(url)
    return log


def open_sightings(url: str) -> Sightings:
    """The products seen on pages, in the store at `url`. Raises `OperatorError`."""
    told: Sightings = importlib.import_module(f"proxy.stores.{_row(url).module}_pages").open_sightings(url)
    return told


def open_outbox(url: str) -> Outbox:
    """The outbox of webhooks, in the store at `url`. Raises `OperatorError`."""
    outbox: Outbox = importlib.import_module(f"proxy.stores.{_row(url).module}_outbox").connect(url)
    return outbox


def keep_reserve(url: str) -> None:
    """Keeps room for erasing somebody on a full disk, where the store is a file in a folder of this machine."""
    if path := _file_of(url):
        from proxy.stores import sqlite_erasing

        sqlite_erasing.keep_reserve(path)


def use_reserve(url: str) -> bool:
    """Gives that room back if the disk is full; whether it did."""
    if path := _file_of(url):
        from proxy.stores import sqlite_erasing

        return sqlite_erasing.use_reserve(path)
    return False


def exists(url: str) -> bool:
    """False for a SQLite file that is not there; a server is asked when it is used."""
    path = _file_of(url)
    return path is None or path.exists()


def server_of(url: str) -> Callable[..., Any] | None:
    """A function that makes clients of the server at `url`, with the client library's options; None for a store without
    a server. Raises `OperatorError`."""
    if _row(url).module != "redis":
        return None
    from proxy.stores.redis_connecting import client_of

    return partial(client_of, url)


def _file_of(url: str) -> Path | None:
    scheme, _, path = url.partition(":")
    return Path(path) if scheme == "sqlite" and path else None


def _row(url: str) -> Row:
    scheme = url.partition(":")[0]
    for row in STORES:
        if row.scheme == scheme:
            return row
    is_path = ("/" in url and "://" not in url) or "." in scheme
    help = f"write sqlite:{url}" if is_path else did_you_mean(scheme, [row.scheme for row in STORES])
    raise OperatorError(f"no store speaks `{scheme}`", help=help)
