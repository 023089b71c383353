"""Signed values: what Tailorbird says to itself through a browser, and what a system that holds the key may say to it.

A signed value is `v1.<kid>.<payload>.<signature>`: `payload` is base64url without padding, `kid` eight hex digits
derived from the key, `signature` an HMAC-SHA-256. A `purpose` goes into the signature but not into the text, so a
value signed for one purpose is worthless for any other. `docs/cookies.md` has the bytes for other languages.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

from proxy.errors import OperatorError

VERSION = b"v1"
SHORTEST_KEY = 16
KEY_ID_PURPOSE = b"tailorbird key id v1"


class Keyring:
    """The keys of one installation. The first signs; every one of them verifies, so that keys can be changed
    without a visitor noticing."""

    def __init__(self, secret: str) -> None:
        """`secret` is the setting: a key, and after a comma the older ones. Raises `OperatorError`."""
        keys = [part.strip().encode() for part in secret.split(",") if part.strip()]
        if not keys:
            raise OperatorError("there is no signing key", help="set TAILORBIRD_SECRET, as from `openssl rand -hex 32`")
        if min(map(len, keys)) < SHORTEST_KEY:
            raise OperatorError(
                f"a signing key is shorter than {SHORTEST_KEY} bytes", help="make one with `openssl rand -hex 32`"
            )
        self._keys = {key_id(key): key for key in keys}
        self._signing_id = key_id(keys[0])

    def sign(self, purpose: bytes, payload: bytes) -> bytes:
        """The signed value that carries `payload`."""
        head = b".".join((VERSION, self._signing_id, _encoded(payload)))
        return head + b"." + _signature(self._keys[self._signing_id], purpose, head)

    def open(self, purpose: bytes, signed: bytes) -> bytes | None:
        """The payload when one of our keys signed it for this purpose, else None. Never raises."""
        head, _, signature = signed.rpartition(b".")
        version, _, rest = head.partition(b".")
        kid, _, payload = rest.partition(b".")
        key = self._keys.get(kid)
        if version != VERSION or key is None:
            return None
        if not hmac.compare_digest(_signature(key, purpose, head), signature):
            return None
        return _decoded(payload)


def key_id(key: bytes) -> bytes:
    """The name under which a key's values go: says which key to try, tells nothing about it."""
    return hmac.digest(key, KEY_ID_PURPOSE, "sha256")[:4].hex().encode()


def _signature(key: bytes, purpose: bytes, head: bytes) -> bytes:
    return _encoded(hmac.digest(key, purpose + b"\n" + head, "sha256"))


def _encoded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _decoded(text: bytes) -> bytes | None:
    try:
        return urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except ValueError:
        return None
