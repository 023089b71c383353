"""Content codings: which ones a client takes (RFC 9110 section 12.5.3), coding what is kept, and undoing what an origin
applied, bounded. Brotli and zstd are there when their packages are (the extra `codings`)."""

from __future__ import annotations

import gzip
import importlib
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from proxy.errors import OperatorError
from proxy.settings import DEFAULTS, Settings


def _optional(name: str) -> Any:
    """The module, or None if the extra is not installed: then only gzip is used."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


brotli, zstandard = _optional("brotli"), _optional("zstandard")

KNOWN = (b"br", b"gzip", b"zstd")
"""The codings told apart when a stored answer is chosen; what else a client lists makes no difference to us."""

SMALLEST_FIRST = (b"br", b"zstd", b"gzip")
"""Of what a client takes equally gladly, the one that makes texts smallest."""

_WINDOW_BITS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
_MOST_MEMBERS = 200  # what is left is copied after each
_RATIO_COUNTS_FROM = 64 * 1024
_THOROUGH_BYTES = 256 * 1024
"""Up to here the highest level is worth its time, half a second; beyond, the next best one."""
_MOST_WINDOW_BYTES = 8 * 1024 * 1024  # RFC 9659: what a decoder of zstd has to have


@lru_cache(maxsize=512)  # browsers send a few spellings; 5 us each time otherwise
def preferred(accept_encoding: bytes) -> tuple[bytes, ...]:
    """The codings among `KNOWN` that the client accepts, in the order of `KNOWN`."""
    weights = _weights(accept_encoding)
    return tuple(coding for coding in KNOWN if _weight_of(coding, weights))


@lru_cache(maxsize=512)
def ranked(accept_encoding: bytes) -> tuple[bytes, ...]:
    """The codings we can make that the client prefers to identity or weighs the same, best first: by weight, then by
    size."""
    weights = _weights(accept_encoding)
    plain = weights.get(b"identity", 0.0)
    liked = [coding for coding in SMALLEST_FIRST if coding in CODERS and _weight_of(coding, weights) >= plain]
    return tuple(sorted((c for c in liked if _weight_of(c, weights)), key=lambda c: -_weight_of(c, weights)))


@lru_cache(maxsize=512)
def best_of(codings: tuple[bytes, ...], accept_encoding: bytes) -> bytes:
    """The client's preferred one of these codings (best first); `identity` if it accepts none of them."""
    weights = _weights(accept_encoding)
    best = max(codings, key=lambda coding: _weight_of(coding, weights), default=b"identity")
    return best if _weight_of(best, weights) else b"identity"


def page_codings(settings: Settings) -> tuple[bytes, ...]:
    """The codings of stored pages. Raises `OperatorError` for an unknown one."""
    for name in settings.page_codings:
        if name not in ("gzip", "zstd"):
            raise OperatorError(f"`page_codings` has `{name}`", help="write gzip, zstd or both")
        if name == "zstd" and zstandard is None:
            raise OperatorError(
                "`page_codings` has `zstd`, which needs a package", help='pip install "tailorbird[codings]"'
            )
    return tuple(name.encode() for name in settings.page_codings)


def takes_gzip(accept_encoding: bytes) -> bool:
    """True when gzip is acceptable to the client."""
    return b"gzip" in preferred(accept_encoding)


def _weights(accept_encoding: bytes) -> dict[bytes, float]:
    return dict(_weight(part) for part in accept_encoding.lower().split(b",")) if accept_encoding else {}


def _weight_of(coding: bytes, weights: Mapping[bytes, float]) -> float:
    return weights.get(coding, weights.get(b"*", 0.0))


def _weight(part: bytes) -> tuple[bytes, float]:
    name, _, parameters = part.partition(b";")
    weight = parameters.strip().removeprefix(b"q=").strip()
    try:
        return name.strip(), float(weight) if weight else 1.0
    except ValueError:  # a weight that cannot be read counts as 1
        return name.strip(), 1.0


# -- coding


def _brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, mode=brotli.MODE_TEXT, quality=11 if len(body) <= _THOROUGH_BYTES else 9))


def _zstd(body: bytes) -> bytes:
    level = 19 if len(body) <= _THOROUGH_BYTES else 12
    return bytes(zstandard.ZstdCompressor(level=level).compress(body))


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)


CODERS: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"gzip": _gzip,
    **({b"br": _brotli} if brotli is not None else {}),
    **({b"zstd": _zstd} if zstandard is not None else {}),
}
"""How a body is coded that is kept and given many times: as small as it gets, in a thread."""


# -- undoing


def inflated(body: bytes, coding: bytes, max_bytes: int, max_inflation: int = DEFAULTS.max_inflation) -> bytes | None:
    """`body` without its content coding; None when the coding is unknown, the data is broken or cut short, or it
    would grow beyond `max_bytes` or `max_inflation` times its size (a decompression bomb)."""
    if coding in (b"", b"identity"):
        return body
    limit = min(max_bytes, max(len(body) * max_inflation, _RATIO_COUNTS_FROM))
    if coding in _WINDOW_BITS:
        plain = _undeflated(body, _WINDOW_BITS[coding], limit)
        if plain is None and coding == b"deflate":  # some origins leave out its frame, and browsers read that
            plain = _undeflated(body, -_WINDOW_BITS[coding], limit)
    elif coding == b"br" and brotli is not None:
        plain = _unbrotlied(body, limit)
    elif coding == b"zstd" and zstandard is not None:
        plain = _unzstded(body, limit)
    else:
        return None
    return plain if plain is not None and len(plain) <= limit else None


def _undeflated(body: bytes, window_bits: int, limit: int) -> bytes | None:
    """Decodes gzip, which may have several members."""
    plain = b""
    for _ in range(_MOST_MEMBERS if window_bits == _WINDOW_BITS[b"gzip"] else 1):
        decoder = zlib.decompressobj(window_bits)
        try:
            plain += decoder.decompress(body, limit + 1 - len(plain))
        except zlib.error:
            return None
        if not decoder.eof or len(plain) > limit:
            return None
        if not (body := decoder.unused_data):
            return plain
    return None


def _unbrotlied(body: bytes, limit: int) -> bytes | None:
    decoder = brotli.Decompressor()
    try:
        plain = bytes(decoder.process(body, output_buffer_limit=limit + 1))
        while len(plain) <= limit and not decoder.can_accept_more_data():
            plain += decoder.process(b"", output_buffer_limit=limit + 1)
    except brotli.error:
        return None
    return plain if decoder.is_finished() else None


def _unzstded(body: bytes, limit: int) -> bytes | None:
    """Decodes zstd, which may have several frames. Reading within bounds does not show whether a frame is complete, so
    each frame is then read once more."""
    decoder = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW_BYTES)
    try:
        plain = bytes(decoder.stream_reader(body, read_across_frames=True).read(limit + 1))
        rest = body if len(plain) <= limit else b""
        while rest:
            frame = decoder.decompressobj()
            frame.decompress(rest)
            if not frame.eof:
                return None
            rest = frame.unused_data
    except zstandard.ZstdError:
        return None
    return plain
