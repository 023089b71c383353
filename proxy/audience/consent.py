"""Consent, as consent tools write it into their cookies.

One row of `SOURCES` for each tool. A value that cannot be read means no consent: what cannot be proved was not given.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from proxy.model import Consent

MAX_BYTES = 4_096
LEVEL = "consent level"
"""The attribute of a profile that says what its visitor agreed to last, where somebody else would need to know."""
PROFILING = frozenset({1, 5, 6})
"""The TCF's purposes: keep something on the device, make a profile for content, choose content by it."""


class Source(NamedTuple):
    """A consent tool: its name in the setting `consent`, its cookie, how a value is read, its line of help."""

    name: str
    cookie: bytes
    read: Callable[[str], Consent]
    help: str

    @property
    def beginning(self) -> bytes:
        """What the cookie begins with."""
        return self.cookie + b"="


def _own(value: str) -> Consent:
    return Consent[value.upper()] if value in LEVELS else Consent.CONTEXTUAL


def _tcf(value: str) -> Consent:
    return Consent.PROFILE if purposes(value) >= PROFILING else Consent.CONTEXTUAL


def _one_trust(value: str) -> Consent:
    groups = re.search(r"(?:^|&)groups=([^&]*)", value)
    return _if("C0003:1" in groups[1].split(",") if groups else False)


def _cookiebot(value: str) -> Consent:
    return _if(value == "-1" or re.search(r"[{,]\s*preferences:\s*true\s*[,}]", value) is not None)


def _cookie_yes(value: str) -> Consent:
    return _if("functional:yes" in value.split(","))


def _if(agrees: bool) -> Consent:
    return Consent.PROFILE if agrees else Consent.CONTEXTUAL


LEVELS = tuple(level.name.lower() for level in Consent)
SOURCES = (
    Source("own", b"tb_consent", _own, "your own pages write none, contextual, session or profile into `tb_consent`"),
    Source("tcf", b"euconsent-v2", _tcf, "IAB TCF: profile with purposes 1, 5 and 6, else contextual"),
    Source("onetrust", b"OptanonConsent", _one_trust, "OneTrust: profile with group C0003 (functional)"),
    Source("cookiebot", b"CookieConsent", _cookiebot, "Cookiebot: profile with preferences, and where none is needed"),
    Source("cookieyes", b"cookieyes-consent", _cookie_yes, "CookieYes: profile with functional"),
)


def consent_in(source: Source, cookie: bytes) -> Consent:
    """The consent in a source's cookie."""
    if len(cookie) > MAX_BYTES:
        return Consent.CONTEXTUAL
    return source.read(unquote(cookie.strip(b'" ').decode("latin-1")))


VERSION_BITS = 6
PURPOSES_AT = 152
PURPOSES = 24
VERSION = 2


def purposes(text: str) -> frozenset[int]:
    """The numbers of the purposes agreed to in a consent string of IAB Europe's Transparency and Consent Framework,
    version 2: its core part, in base64url, has a bit for each. Empty when the text is no such string."""
    core = text.split(".")[0]
    try:
        raw = base64.b64decode(core + "=" * (-len(core) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return frozenset()
    if len(raw) * 8 < PURPOSES_AT + PURPOSES or _bits(raw, 0, VERSION_BITS) != VERSION:
        return frozenset()
    agreed = _bits(raw, PURPOSES_AT, PURPOSES)
    return frozenset(number for number in range(1, PURPOSES + 1) if agreed >> (PURPOSES - number) & 1)


def _bits(raw: bytes, start: int, length: int) -> int:
    """A number of so many bits, the highest first."""
    return int.from_bytes(raw, "big") >> (len(raw) * 8 - start - length) & ((1 << length) - 1)
