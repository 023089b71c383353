"""For which visitor a program may ask for decisions: the one whose cookies it passes on, or one that it names.

A server may name anybody. An app, whose key can be read out of it, names its user by an id that it made up: that is the
visitor of its events with the same `anonymousId`, and nobody else. Without a key nobody can be named.
"""

from __future__ import annotations

from typing import NamedTuple

from proxy.audience.identity import NOBODY
from proxy.errors import RequestError
from proxy.events.intake import VISITOR_ID, Access, stranger_id
from proxy.http.message import Request
from proxy.settings import Settings
from proxy.visitors.collect import stranger_key
from proxy.visitors.writekeys import WriteKeys, key_in


class Caller(NamedTuple):
    """The caller: with a key or without, a server or not; and the visitor it names, "" for that of its cookies."""

    visitor_id: str = ""
    has_key: bool = False
    is_server: bool = False


class Callers:
    """Knows the write keys."""

    def __init__(self, settings: Settings) -> None:
        self._keys = WriteKeys(settings)
        self._stranger_key = stranger_key(settings)

    def of(self, request: Request, named: str) -> Caller:
        """The caller of this request, which names that visitor, or "". Raises `RequestError` when it may not."""
        given = request.get(b"x-api-key")
        key = key_in(request.get(b"authorization") or b"") or (given or b"").decode("latin-1")
        source = self._keys.source(key) if key else None
        if key and source is None:
            raise RequestError("this write key is nobody's", status=401, help="set TAILORBIRD_WRITE_KEYS")
        if source is None:
            if named:
                help = "send `Authorization: Bearer KEY`, or name nobody and pass on the visitor's cookies"
                raise RequestError("only who has a write key may name a visitor", status=401, help=help)
            return Caller()
        if not named:
            return Caller("", has_key=True, is_server=source.access is Access.SERVER)
        if NOBODY.fullmatch(named):
            raise RequestError(f"`{named}` is nobody's id", help="name no visitor where none is known")
        if source.access is not Access.SERVER:
            return Caller(stranger_id(self._stranger_key, source.name, named), has_key=True)
        if not VISITOR_ID.fullmatch(named):
            what = "a visitor's id is 1 to 64 letters, digits, hyphens and underscores"
            raise RequestError(what, help="send what your events send, as a hash of an e-mail address")
        return Caller(named, has_key=True, is_server=True)
