"""Content codings: which ones a client accepts (RFC 9110 section 12.5.3), encoding stored answers, and decoding those
of origins, with a limit on their size. Brotli and zstd need their packages (the extra `codings`)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from proxy.environment import mistaken
from proxy.errors import OriginError
from proxy.settings import DEFAULTS, Settings

brotli: Any
zstandard: Any
brotli, zstandard = (import_module(name) if find_spec(name) else None for name in ("brotli", "zstandard"))
"""None if the extra is not installed: then only gzip is used."""

KNOWN = (b"br", b"gzip", b"zstd")
"""The codings that matter when a stored answer is selected; others in a client's list are ignored."""

SMALLEST_FIRST = (b"br", b"zstd", b"gzip")
"""The codings by the size of a text they make, for codings that a client weighs the same."""

_WINDOW_BITS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
_MOST_MEMBERS = 200  # the rest is copied after each, so many members would take quadratic time
_RATIO_COUNTS_FROM = 64 * 1024
_THOROUGH_BYTES = 256 * 1024
"""Up to this size the highest level takes half a second; beyond, a lower one is used."""
_MOST_WINDOW_BYTES = 8 * 1024 * 1024  # RFC 9659: the window that every zstd decoder has


@lru_cache(maxsize=512)  # browsers send few different values; parsing takes 5 us
def accepted_codings(accept_encoding: bytes) -> tuple[bytes, ...]:
    """The codings among `KNOWN` that the client accepts, in the order of `KNOWN`."""
    weights = _weights(accept_encoding)
    return tuple(coding for coding in KNOWN if _weight_of(coding, weights))


@lru_cache(maxsize=512)
def ranked_codings(accept_encoding: bytes) -> tuple[bytes, ...]:
    """The codings of `ENCODERS` that the client accepts and does not weigh less than identity, best first: by weight,
    then by size."""
    weights = _weights(accept_encoding)
    identity = weights.get(b"identity", 0.0)
    found = [(coding, _weight_of(coding, weights)) for coding in SMALLEST_FIRST if coding in ENCODERS]
    accepted = [(coding, weight) for coding, weight in found if weight and weight >= identity]
    return tuple(coding for coding, _ in sorted(accepted, key=lambda pair: -pair[1]))


@lru_cache(maxsize=512)
def best_coding(codings: tuple[bytes, ...], accept_encoding: bytes) -> bytes:
    """The coding that the client prefers, of equal ones the first; `identity` if it accepts none of them."""
    weights = _weights(accept_encoding)
    best = max(codings, key=lambda coding: _weight_of(coding, weights), default=b"identity")
    return best if _weight_of(best, weights) else b"identity"


def page_codings(settings: Settings) -> tuple[bytes, ...]:
    """The codings of stored pages. Raises `OperatorError` for an unknown one."""
    for name in settings.page_codings:
        if name not in ("gzip", "zstd"):
            raise mistaken("page_codings", f"there is no coding `{name}` for pages", help="write gzip, zstd or both")
        if name == "zstd" and zstandard is None:
            raise mistaken("page_codings", "zstd needs a package", help='pip install "tailorbird[codings]"')
    return tuple(name.encode() for name in settings.page_codings)


def accepts_gzip(accept_encoding: bytes) -> bool:
    """True if the client accepts gzip."""
    return b"gzip" in accepted_codings(accept_encoding)


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


# -- encoding


def _brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, mode=brotli.MODE_TEXT, quality=11 if len(body) <= _THOROUGH_BYTES else 9))


def _zstd(body: bytes) -> bytes:
    level = 19 if len(body) <= _THOROUGH_BYTES else 12
    return bytes(zstandard.ZstdCompressor(level=level).compress(body))


ENCODERS: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"gzip": partial(gzip.compress, compresslevel=9, mtime=0),
    **({b"br": _brotli} if brotli is not None else {}),
    **({b"zstd": _zstd} if zstandard is not None else {}),
}
"""The encoder of each coding, at the highest level that is worth its time: for stored answers, in a thread."""


# -- decoding


class GzipPieces:
    """Gzip decoded as it comes, which may have several members. It `is_whole` after the end of one."""

    MOST_BYTES = 65_536

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_WINDOW_BITS[b"gzip"])

    @property
    def is_whole(self) -> bool:
        return self._member.eof

    def of(self, data: bytes) -> Iterator[bytes]:
        """What these bytes hold, in pieces of at most `MOST_BYTES`. Raises `OriginError`."""
        piece = b""
        while data or len(piece) == self.MOST_BYTES:
            if self._member.eof and data:
                self._member = zlib.decompressobj(_WINDOW_BITS[b"gzip"])
            try:
                piece = self._member.decompress(data, self.MOST_BYTES)
            except zlib.error as error:
                raise OriginError("what is in gzip was changed on its way", reason="malformed") from error
            data = self._member.unconsumed_tail or self._member.unused_data
            yield piece


class _Damaged(Exception):
    """What is there is not all of it, or not what was encoded."""


def decoded(body: bytes, coding: bytes, max_bytes: int, max_inflation: int = DEFAULTS.max_inflation) -> bytes | None:
    """`body` without its content coding; None if the coding is unknown, the data is damaged or incomplete, or the
    result would be larger than `max_bytes` or `max_inflation` times `body` (a decompression bomb)."""
    try:
        return _decoded(body, coding, max_bytes, max_inflation)
    except _Damaged:
        return None


def is_damaged(body: bytes, coding: bytes) -> bool:
    """Whether what is in a known coding breaks off, or was changed on its way, within the first megabytes."""
    try:
        _decoded(body, coding, DEFAULTS.max_page_bytes, DEFAULTS.max_inflation)
    except _Damaged:
        return True
    return False


def _decoded(body: bytes, coding: bytes, max_bytes: int, max_inflation: int) -> bytes | None:
    if coding in (b"", b"identity"):
        return body
    limit = min(max_bytes, max(len(body) * max_inflation, _RATIO_COUNTS_FROM))
    if coding == b"deflate":  # some origins leave out the zlib frame, and browsers accept that
        try:
            plain = _undeflated(body, _WINDOW_BITS[coding], limit)
        except _Damaged:
            plain = _undeflated(body, -_WINDOW_BITS[coding], limit)
    elif coding in _WINDOW_BITS:
        plain = _undeflated(body, _WINDOW_BITS[coding], limit)
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
        except zlib.error as error:
            raise _Damaged from error
        if len(plain) > limit:
            return None
        if not decoder.eof:
            raise _Damaged
        if not (body := decoder.unused_data):
            return plain
    return None


def _unbrotlied(body: bytes, limit: int) -> bytes | None:
    decoder = brotli.Decompressor()
    try:
        plain = bytes(decoder.process(body, output_buffer_limit=limit + 1))
        while len(plain) <= limit and not decoder.can_accept_more_data():
            plain += decoder.process(b"", output_buffer_limit=limit + 1)
    except brotli.error as error:
        raise _Damaged from error
    if len(plain) <= limit and not decoder.is_finished():
        raise _Damaged
    return plain


def _unzstded(body: bytes, limit: int) -> bytes | None:
    """Decodes zstd, which may have several frames. Reading up to a limit does not show whether the last frame is
    complete, so all frames are then decoded once more."""
    decoder = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW_BYTES)
    try:
        plain = bytes(decoder.stream_reader(body, read_across_frames=True).read(limit + 1))
        rest = body if len(plain) <= limit else b""
        while rest:
            frame = decoder.decompressobj()
            frame.decompress(rest)
            if not frame.eof:
                raise _Damaged
            rest = frame.unused_data
    except zstandard.ZstdError as error:
        raise _Damaged from error
    return plain
