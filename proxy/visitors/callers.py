"""For which visitor a program may ask for decisions: the one whose cookies it passes on, or one that it names.

A server may name anybody. An app, whose key can be read out of it, names its user by an id that it made up: that is the
visitor of its events with the same `anonymousId`, and nobody else. Without a key nobody can be named.

And what it says of that visitor, under the names that rule files use. Its law: anybody may say what a device knows of
itself, as that deceives nobody else; what a shop knows of its visitors only its servers may say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from proxy.audience.clean import number_of
from proxy.audience.identity import NOBODY
from proxy.audience.rows import SEGMENT_NAMES, attribute_name
from proxy.conditions.behaviours import TRAITS
from proxy.conditions.phrase import Kind
from proxy.conditions.vocabulary import REQUESTED
from proxy.errors import RequestError
from proxy.events.intake import MAX_NAME, MAX_TEXT_BYTES, VISITOR_ID, Access, stranger_id, traits_of
from proxy.http.message import Request
from proxy.model import AttributeValue
from proxy.settings import Settings
from proxy.visitors.collect import stranger_key
from proxy.visitors.context import REQUEST_ATTRIBUTES, host_of, languages_of
from proxy.visitors.places import COUNTRY
from proxy.visitors.writekeys import WriteKeys, key_in

MOST_SEGMENTS = 100
MOST_NAMES = 200
LONGEST_PAGE = 2_000


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


class StatedContext(NamedTuple):
    """The address of the `page`; `attributes` as rules name them; `segments` that a server vouches for; `ignored`, the
    names of what is malformed or not this program's to say."""

    page: str = "/"
    attributes: Mapping[str, AttributeValue] = {}
    segments: frozenset[str] = frozenset()
    ignored: tuple[str, ...] = ()


def _one_of(*words: str) -> Callable[[str], AttributeValue | None]:
    return lambda text: text.lower() if text.lower() in words else None


def _country(text: str) -> str | None:
    return text.upper() if COUNTRY.fullmatch(text.upper()) else None


_READ: dict[str, Callable[[str], AttributeValue | None]] = {
    **{row.attribute: _one_of(*row.choices) for row in REQUESTED if row.choices},
    "country": _country,
    "language": lambda text: languages_of(text.encode("utf-8", "replace")),
    "referrer": lambda text: (host_of(text.encode("utf-8", "replace")) if "//" in text else text.lower()) or None,
}
_OF_A_DEVICE = ("location", "time zone", "app version")
_NAMES = {attribute_name(name): name for name in (*REQUEST_ATTRIBUTES, *_OF_A_DEVICE)}
_COUNTED = frozenset(trait.key for trait in TRAITS if trait.kind is Kind.NUMBER)
_OF_SERVERS = frozenset({"country"})
"""Where somebody is, is told by a proxy that is trusted, or by a server."""


def stated_context(told: Mapping[str, object], *, by_server: bool) -> StatedContext:
    """Reads an evaluation context; `firstName` is `first name`. Raises `RequestError` for more names than are looked
    up in a moment, as anybody may ask."""
    if len(told) > MOST_NAMES:
        raise RequestError(f"a context has at most {MOST_NAMES} names", help="say what rules ask for")
    page, segments = "/", frozenset[str]()
    attributes: dict[str, AttributeValue] = {}
    ignored: list[str] = []
    for key, value in told.items():
        name = attribute_name(key) if len(key) <= MAX_NAME else ""
        if name == "page" and isinstance(value, str) and 0 < len(value) <= LONGEST_PAGE:
            page = value
        elif name in SEGMENT_NAMES and by_server and (found := _names_in(value)) is not None:
            segments |= found
        elif (read := _read(name, value, by_server=by_server)) is not None:
            attributes[_NAMES.get(name, name)] = read
        else:
            ignored.append(key)
    return StatedContext(page, attributes, segments, tuple(ignored))


def _read(name: str, value: object, *, by_server: bool) -> AttributeValue | None:
    if name in _NAMES:
        may_say = by_server or name not in _OF_SERVERS
        is_text = isinstance(value, str) and len(value.encode("utf-8", "replace")) <= MAX_TEXT_BYTES
        return _READ.get(name, str)(str(value).strip()) if may_say and is_text else None
    trait = traits_of({name: value}).get(name) if by_server else None
    if name in _COUNTED and isinstance(trait, str):
        return number_of(trait.strip())
    return frozenset(trait) if isinstance(trait, list) else trait


def _names_in(value: object) -> frozenset[str] | None:
    told = value if isinstance(value, list) else [value]
    names = [name for name in told if isinstance(name, str) and name]
    return frozenset(names) if len(names) == len(told) <= MOST_SEGMENTS else None
