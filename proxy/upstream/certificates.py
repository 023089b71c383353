"""When certificates end: those we show, read off their files, and those that origins show."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from ssl import PEM_cert_to_DER_cert
from time import time

from proxy.metrics import Metrics
from proxy.settings import Settings
from proxy.upstream.origins import Origins

log = logging.getLogger("tailorbird.certificates")

EXPIRY = "tailorbird_certificate_expiry_timestamp_seconds"
RENEW = "renew it, then `kill -HUP` the supervisor, or start anew"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _TWO_DIGITS = 0xA0, 0x17


def watch_certificates(settings: Settings, origins: Origins, metrics: Metrics) -> None:
    """Has `metrics` tell when each certificate ends (Unix seconds): of ours, as they are now, since a worker keeps what
    it has read; of the origins, as each showed it last, 0 where none was within a day."""
    for name in ("tls_certificate", "origin_certificate"):
        if path := getattr(settings, name):
            expiry = expiry_of(Path(path))
            if 0 < expiry < time():
                ended = datetime.fromtimestamp(expiry, UTC)
                log.error("the certificate in `%s` ended on %s, and is refused (help: %s)", path, ended.date(), RENEW)
            metrics.gauge(EXPIRY, expiry.__int__, "certificate", name)
    for address, read in origins.certificate_expiries.items():
        metrics.gauge(EXPIRY, read, "certificate", address)


def expiry_of(path: Path) -> int:
    """When the first certificate of a PEM file ends, which is the one it is for, in Unix seconds; 0 if it cannot be
    read: whoever uses it says so."""
    try:
        found = _PEM.search(path.read_text("ascii", "replace"))
        return _not_after(PEM_cert_to_DER_cert(found[0])) if found else 0
    except (OSError, ValueError, IndexError):
        return 0


def _not_after(der: bytes) -> int:
    """The end of its validity (RFC 5280 4.1)."""
    at = _content(der, _content(der, 0)[0])[0]
    if der[at] == _VERSION:
        at = _content(der, at)[1]
    for _ in ("serial number", "signature", "issuer"):
        at = _content(der, at)[1]
    at = _content(der, _content(der, at)[0])[1]  # behind the beginning
    begin, end = _content(der, at)
    form = "%y%m%d%H%M%SZ" if der[at] == _TWO_DIGITS else "%Y%m%d%H%M%SZ"
    return int(datetime.strptime(der[begin:end].decode("ascii"), form).replace(tzinfo=UTC).timestamp())


def _content(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins and ends."""
    length, begin = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, begin = int.from_bytes(der[begin : begin + size], "big"), begin + size
    return begin, begin + length
