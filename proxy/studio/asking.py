"""`POST /api/export` and `POST /api/erase`: what is kept of a visitor, shown or gone, in every process that serves the
shop. The visitor stands in the body, as `{"visitor": "..."}`, not in the address: addresses are logged."""

from __future__ import annotations

import msgspec

from proxy.errors import RequestError


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom it is about."""

    visitor: str


def visitor_in(body: bytes) -> str:
    """The visitor a request names. Raises `RequestError`."""
    try:
        return msgspec.json.decode(body, type=Asked).visitor
    except msgspec.DecodeError as error:
        raise RequestError(f"this names no visitor: {error}", help='write {"visitor": "..."}') from error
