"""Where profiles live. One row and one file a store; every store passes `tests/contracts/test_profile_store.py`.

A store's module has `connect(url) -> ProfileStore`, which raises `OperatorError` when the URL makes no sense.
"""

from __future__ import annotations

import importlib
from typing import NamedTuple

from proxy.diagnostics import did_you_mean
from proxy.errors import OperatorError
from proxy.ports import ProfileStore


class Row(NamedTuple):
    """A store: the scheme of its URLs, the module that speaks to it, its line of help."""

    scheme: str
    module: str
    help: str


STORES = (
    Row("sqlite", "sqlite", "sqlite:PATH, a file on this machine, shared by its worker processes"),
    Row("redis", "redis", "redis://HOST:PORT/DB, a Redis or Valkey server shared by many machines"),
    Row("rediss", "redis", "rediss://HOST:PORT/DB, the same over TLS"),
    Row("unix", "redis", "unix:///PATH/TO/SOCKET, the same over a Unix socket"),
)


def open_store(url: str) -> ProfileStore:
    """The store at `url`; its module is imported only now. Raises `OperatorError`."""
    scheme = url.partition(":")[0]
    for row in STORES:
        if row.scheme == scheme:
            store: ProfileStore = importlib.import_module(f"proxy.stores.{row.module}").connect(url)
            return store
    raise OperatorError(f"no store speaks `{scheme}`", help=did_you_mean(scheme, [row.scheme for row in STORES]))
