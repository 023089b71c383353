"""Purges: the cache entries that an operator declares out of date, by address, by prefix, or by tags of the origin's
answers (Fastly's Surrogate-Key, Cloudflare's and Akamai's Cache-Tag).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from proxy.errors import RequestError
from proxy.httpcache.key import normalised, target_key
from proxy.model import Headers

MAX_TAGS = 1_000
"""Tags of one answer that are indexed; further ones are ignored."""

NAMED = 3
"""So many addresses and tags of a purge are logged, of each kind."""

_NO_TAGS: frozenset[bytes] = frozenset()  # most answers have none; an empty set takes 216 bytes each time
_ADDRESS = re.compile(rb"(?:https?://(?P<host>[^/?#\s]+))?(?P<target>/[^#\s]*)", re.IGNORECASE)

_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Purge:
    """What to purge. `urls` and `prefixes` are keys (`https://shop.example/sale`), or begin with `/` and cover every
    host. `is_soft`: the entries become stale instead of being removed."""

    urls: frozenset[bytes] = frozenset()
    prefixes: tuple[bytes, ...] = ()
    tags: frozenset[bytes] = frozenset()
    is_soft: bool = False

    def __str__(self) -> str:
        """What it names, in short."""
        kinds = {"urls": sorted(self.urls), "prefixes": list(self.prefixes), "tags": sorted(self.tags)}
        said = [f"{kind} {_in_short(named)}" for kind, named in kinds.items() if named]
        return f"{'softly ' if self.is_soft else ''}{'; '.join(said)}"

    @property
    def needs_no_search(self) -> bool:
        """True if all entries that it covers can be looked up by key or tag."""
        return not self.prefixes and not any(url.startswith(b"/") for url in self.urls)

    def covers(self, key: bytes) -> bool:
        """True if it covers this key (not by tags)."""
        target = key[key.index(b"/", key.index(b"://") + 3) :]
        return (
            key in self.urls or target in self.urls or key.startswith(self.prefixes) or target.startswith(self.prefixes)
        )


def purge_of(
    urls: Iterable[str] = (), prefixes: Iterable[str] = (), tags: Iterable[str] = (), *, is_soft: bool = False
) -> Purge:
    """The purge of these addresses, which cover both http and https. Raises `RequestError` for an invalid address, and
    if nothing is named."""
    purge = Purge(
        frozenset(key for url in urls for key in _keys(url)),
        tuple(key for prefix in prefixes for key in _keys(prefix)),
        frozenset(tag.strip().encode() for tag in tags) - {b""},
        is_soft,
    )
    if not (purge.urls or purge.prefixes or purge.tags):
        raise RequestError("nothing is named", help="name `urls`, `prefixes` or `tags`")
    return purge


def _in_short(named: list[bytes]) -> str:
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    said = b", ".join(named[:NAMED]).decode("utf-8", "replace")
    return "".join([letter if letter.isprintable() else "?" for letter in said]) + more


def _keys(url: str) -> list[bytes]:
    """The keys of an address, for http and https: which one is used depends on the proxy in front. Letters beyond ASCII
    are escaped, as browsers do."""
    match = _ADDRESS.fullmatch(_BEYOND_ASCII.sub(lambda found: b"%%%02X" % found[0][0], url.encode()))
    if match is None:
        raise RequestError(f"`{url}` is no address", help="write it like `/sale` or `https://shop.example/sale`")
    path, question_mark, query = match["target"].partition(b"?")
    target = normalised(path) + question_mark + query
    if not match["host"]:
        return [target]
    return [target_key(scheme, match["host"].lower(), target) for scheme in (b"http", b"https")]


def tags_of(headers: Headers) -> frozenset[bytes]:
    """The tags of an answer."""
    tags = [tag for name, value in headers if name == b"surrogate-key" for tag in value.split()]
    tags += [tag.strip() for name, value in headers if name == b"cache-tag" for tag in value.split(b",")]
    return frozenset(tags[:MAX_TAGS]) - {b""} if tags else _NO_TAGS
