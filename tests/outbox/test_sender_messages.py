"""What goes over the wire."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from proxy.model import Delivery
from proxy.outbox.sender import body_of, headers_of, key_of
from proxy.rulebook.webhookfile import Form, Webhook

NOON = 1_795_435_200.0
CDP = Webhook("cdp", "https://cdp.example/hook", "a secret of some length")
LEFT = Delivery("m1", "cdp", "customer-17", "Left their cart", True, NOON, NOON)


def test_a_change_is_a_call_as_segments_audiences_send_it() -> None:
    call = json.loads(body_of(LEFT, Form.TRACK, NOON + 5))
    assert call.pop("context")["personas"] == {
        "computation_class": "audience",
        "computation_id": "left_their_cart",
        "computation_key": "left_their_cart",
        "namespace": "tailorbird",
    }
    assert call == {
        "type": "track",
        "event": "Audience Entered",
        "userId": "customer-17",
        "messageId": "m1",
        "timestamp": "2026-11-23T12:00:00.000Z",
        "sentAt": "2026-11-23T12:00:05.000Z",
        "properties": {"audience_key": "left_their_cart", "audience_name": "Left their cart", "left_their_cart": True},
    }


@pytest.mark.parametrize("visitor", ["0123456789abcdef0123456789abcdef", "anon_0123456789abcdef0123456789abcdef"])
def test_leaving_as_a_trait_of_somebody_whose_name_nobody_knows(visitor: str) -> None:
    left = Delivery("m2", "cdp", visitor, "VIP", False, NOON, NOON)
    call = json.loads(body_of(left, Form.IDENTIFY, NOON))
    assert (call["type"], call["anonymousId"], call["traits"]) == ("identify", visitor, {"vip": False})
    assert "userId" not in call and "event" not in call
    assert json.loads(body_of(left, Form.TRACK, NOON))["event"] == "Audience Exited"


def test_the_body_is_signed_as_segment_signs_and_by_sha_256() -> None:
    body = body_of(LEFT, Form.TRACK, NOON)
    headers = headers_of(body, CDP)
    key = CDP.secret.encode()
    assert headers["x-signature"] == hmac.new(key, body, hashlib.sha1).hexdigest()
    assert headers["x-signature-256"] == hmac.new(key, body, hashlib.sha256).hexdigest()


KEYS = {"VIP": "vip", "Left  their-cart!": "left_their_cart", "Größe 40": "größe_40", "!": "segment"}


@pytest.mark.parametrize(("segment", "key"), KEYS.items())
def test_a_segment_has_a_key_as_platforms_write_them(segment: str, key: str) -> None:
    assert key_of(segment) == key
