"""What an operator declares out of date: by address, by the beginning of addresses, or by the tags an origin gave its
answers (Fastly's Surrogate-Key, Cloudflare's and Akamai's Cache-Tag)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from proxy.errors import RequestError
from proxy.httpcache.key import normalised, target_key
from proxy.model import Headers

MAX_TAGS = 1_000
"""Tags of one answer that are indexed; what comes after them is ignored."""

_NO_TAGS: frozenset[bytes] = frozenset()  # most answers have none; an empty set takes 216 bytes each time
_ADDRESS = re.compile(rb"(?:(?P<scheme>https?)://(?P<host>[^/?#\s]+))?(?P<target>/[^#\s]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Purge:
    """Addresses are whole (`https://shop.example/sale`), or begin with `/` and are then meant for every host. Soft:
    what is purged counts as stale, and may still be shown where a stale answer may."""

    urls: frozenset[bytes] = frozenset()
    prefixes: tuple[bytes, ...] = ()
    tags: frozenset[bytes] = frozenset()
    is_soft: bool = False

    @property
    def names_keys(self) -> bool:
        """True when whatever it means can be looked up by key or tag, so that nothing needs to be searched."""
        return not self.prefixes and not any(url.startswith(b"/") for url in self.urls)

    def covers(self, key: bytes) -> bool:
        """True when it means what is stored under this key, tags aside."""
        target = key[key.index(b"/", key.index(b"://") + 3) :]
        return (
            key in self.urls or target in self.urls or key.startswith(self.prefixes) or target.startswith(self.prefixes)
        )


def purge_of(
    urls: Iterable[str] = (), prefixes: Iterable[str] = (), tags: Iterable[str] = (), *, is_soft: bool = False
) -> Purge:
    """The purge in the form keys have. Raises `RequestError` for what is no address, and for nothing at all."""
    purge = Purge(
        frozenset(map(_key, urls)), tuple(map(_key, prefixes)), frozenset(tag.encode() for tag in tags), is_soft
    )
    if not (purge.urls or purge.prefixes or purge.tags):
        raise RequestError("nothing is named", help="name `urls`, `prefixes` or `tags`")
    return purge


def _key(url: str) -> bytes:
    match = _ADDRESS.fullmatch(url.encode())
    if match is None:
        raise RequestError(f"`{url}` is no address", help="write it like `/sale` or `https://shop.example/sale`")
    path, question_mark, query = match["target"].partition(b"?")
    target = normalised(path) + question_mark + query
    return target_key(match["scheme"].lower(), match["host"].lower(), target) if match["scheme"] else target


def tags_of(headers: Headers) -> frozenset[bytes]:
    """The tags an answer carries."""
    tags = [tag for name, value in headers if name == b"surrogate-key" for tag in value.split()]
    tags += [tag.strip() for name, value in headers if name == b"cache-tag" for tag in value.split(b",")]
    return frozenset(tags[:MAX_TAGS]) - {b""} if tags else _NO_TAGS
