"""The message that a webhook gets: a call in the format of Segment's audiences, signed. Pure.

The visitor is named in the body, never in the URL. The signature is the same as Segment's, the HMAC-SHA-1 of the body
in hexadecimal digits, so that code which checks theirs works here; a second header has HMAC-SHA-256."""

from __future__ import annotations

import hmac
import re

import msgspec

from proxy.conditions.localtime import iso_time
from proxy.model import Delivery
from proxy.rulebook.webhookfile import Form, Webhook

_DEVICE = re.compile(r"[0-9a-f]{32}|anon_[0-9a-f]{32}")
"""The ids that Tailorbird itself gives to visitors: those of cookies, and of visitors without one
(`events/intake.py`)."""

Headers = dict[str, str]


def body_of(delivery: Delivery, form: Form, now: float) -> bytes:
    """The call, as JSON."""
    key = key_of(delivery.segment)
    id_name = "anonymousId" if _DEVICE.fullmatch(delivery.visitor_id) else "userId"
    call: dict[str, object] = {
        "type": str(form),
        id_name: delivery.visitor_id,
        "messageId": delivery.id,
        "timestamp": iso_time(delivery.at, "milliseconds"),
        "sentAt": iso_time(now, "milliseconds"),
        "context": {
            "personas": {
                "computation_class": "audience",
                "computation_id": key,
                "computation_key": key,
                "namespace": "tailorbird",
            },
            "library": {"name": "tailorbird"},
        },
    }
    if form is Form.IDENTIFY:
        call["traits"] = {key: delivery.entered}
    else:
        call["event"] = "Audience Entered" if delivery.entered else "Audience Exited"
        call["properties"] = {"audience_key": key, "audience_name": delivery.segment, key: delivery.entered}
    return msgspec.json.encode(call)


def headers_of(body: bytes, webhook: Webhook) -> Headers:
    """The header fields of the request, with both signatures."""
    secret = webhook.secret.encode()
    return {
        "content-type": "application/json",
        "user-agent": "tailorbird",
        "x-signature": hmac.digest(secret, body, "sha1").hex(),
        "x-signature-256": hmac.digest(secret, body, "sha256").hex(),
    }


def key_of(segment: str) -> str:
    """A segment's name as platforms write keys: `Left their cart` is `left_their_cart`."""
    return re.sub(r"\W+", "_", segment.lower()).strip("_") or "segment"
