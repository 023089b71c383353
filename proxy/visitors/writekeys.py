"""Write keys: which source of events a request is from, and what it may say."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from dataclasses import dataclass

from proxy.diagnostics import did_you_mean
from proxy.environment import mistaken
from proxy.events.intake import Access
from proxy.settings import Settings

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
OURS = {"import", "page", "browser"}
SHORTEST_SERVER_KEY = 16


@dataclass(frozen=True, slots=True)
class Source:
    """A source of events: its name in the log, and what it may say."""

    name: str
    access: Access


BROWSER = Source("browser", Access.PUBLIC)
"""A page of the shop itself, without a key."""


class WriteKeys:
    """The parsed setting `write_keys`. Raises `OperatorError` for a row that makes no sense."""

    def __init__(self, settings: Settings) -> None:
        self._sources = dict(_row(row) for row in settings.write_keys)

    def source(self, key: str) -> Source | None:
        """Whose key that is; None for nobody's. Takes as long for a wrong key as for a right one."""
        given, found = key.encode("utf-8", "replace"), None
        for known, source in self._sources.items():
            if hmac.compare_digest(known, given):
                found = source
        return found

    def named(self, name: str) -> Source | None:
        """The source of that name, as it is set up now."""
        known = {source.name: source for source in (*self._sources.values(), BROWSER)}
        return known.get(name)


def key_in(authorization: bytes) -> str:
    """The key in an Authorization field: the name of Basic, the token of Bearer; "" when there is none."""
    scheme, _, rest = authorization.partition(b" ")
    if scheme.lower() == b"bearer":
        return rest.strip().decode("latin-1")
    if scheme.lower() != b"basic":
        return ""
    try:
        return b64decode(rest.strip(), validate=True).partition(b":")[0].decode("utf-8", "replace")
    except ValueError:
        return ""


def _row(text: str) -> tuple[bytes, Source]:
    if text.count(":") < 2:  # which may be a key that nobody but its owner should read
        raise mistaken("write_keys", "a write key is not NAME:KIND:KEY", help="write it as shop:server:6f3a")
    name, _, rest = text.partition(":")
    kind, _, key = rest.partition(":")
    if not NAME.fullmatch(name) or name in OURS:
        help = "write NAME:KIND:KEY, as shop:server:6f3a"
        raise mistaken("write_keys", f"a write key's source is called `{name}`", help=help)
    if kind not in list(Access):
        raise mistaken("write_keys", f"the write key of `{name}` is `{kind}`", help=did_you_mean(kind, list(Access)))
    if not key or (kind == Access.SERVER and len(key) < SHORTEST_SERVER_KEY):
        raise mistaken(
            "write_keys",
            f"the write key of `{name}` is shorter than {SHORTEST_SERVER_KEY} characters",
            help="make one with `openssl rand -hex 16`",
        )
    return key.encode(), Source(name, Access(kind))
