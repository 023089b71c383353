"""What goes over the wire."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

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


PAGE = (Path(__file__).parents[2] / "docs" / "segments.md").read_text("utf-8")


def as_python(code: str) -> Callable[[bytes, str, list[str]], bool]:
    """The receiver's check of the page in Python."""
    there: dict[str, Any] = {"hmac": hmac, "json": json}
    there |= {"datetime": datetime, "timedelta": timedelta, "timezone": timezone}
    exec(code, there)  # what the page says, as it says it
    check: Callable[[bytes, str, list[str]], bool] = there["is_genuine"]
    return check


def as_javascript(code: str) -> Callable[[bytes, str, list[str]], bool]:
    """The same in Node.js, in a process of its own for each call."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node.js here")

    def check(body: bytes, signature: str, secrets: list[str]) -> bool:
        said = json.dumps([body.decode(), signature, secrets])
        script = f"const crypto = require('node:crypto');\n{code}\nconst [body, ...more] = {said};\n"
        asked = [str(node), "-e", script + "console.log(isGenuine(Buffer.from(body), ...more))"]
        return subprocess.run(asked, capture_output=True, check=True).stdout == b"true\n"

    return check


@pytest.mark.parametrize(("language", "run"), [("python", as_python), ("javascript", as_javascript)])
def test_receivers_tell_what_is_genuine_as_the_page_says(
    language: str, run: Callable[[str], Callable[[bytes, str, list[str]], bool]]
) -> None:
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    is_genuine, now = run(code), time.time()

    def sent(at: float) -> tuple[bytes, str]:
        body = body_of(LEFT, Form.TRACK, at)
        return body, headers_of(body, CDP)["x-signature-256"]

    assert is_genuine(*sent(now), ["the next one", CDP.secret]), "while a secret is changed there are two"
    assert not is_genuine(*sent(now - 400), [CDP.secret])
    assert not is_genuine(*sent(now), ["another secret of that length"])
    body, signature = sent(now)
    assert not is_genuine(body.replace(b"customer-17", b"customer-18"), signature, [CDP.secret])
    assert not is_genuine(body, "ä", [CDP.secret])


KEYS = {"VIP": "vip", "Left  their-cart!": "left_their_cart", "Größe 40": "größe_40", "!": "segment"}


@pytest.mark.parametrize(("segment", "key"), KEYS.items())
def test_a_segment_has_a_key_as_platforms_write_them(segment: str, key: str) -> None:
    assert key_of(segment) == key
