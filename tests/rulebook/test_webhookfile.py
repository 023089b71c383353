from __future__ import annotations

import pytest

from proxy.diagnostics import Finding, as_text
from proxy.rulebook.compile import load
from proxy.rulebook.webhookfile import Form, Webhook, read_webhooks, segments_sent, unknown_segments

FILE = """
webhooks:
  cdp:
    url: https://cdp.example/hooks/segments?source=shop
    secret: 0123456789abcdef
    segments: [VIP, left their cart]
    form: identify
  mail: {url: "http://127.0.0.1:9000/", secret: fedcba9876543210}
"""
RULES = b"""
segments:
  VIP: {when: {orders: at least 4}}
  Left their cart: {when: {added to cart: {within: 2 days, then not: bought within 2 hours}}}
  Wholesale: {}
rules: []
"""


def read(text: str) -> tuple[tuple[Webhook, ...], str]:
    findings: list[Finding] = []
    return read_webhooks("webhooks.yaml", text.encode(), findings), as_text(findings, {"webhooks.yaml": text})


def test_webhooks_are_read_with_their_segments_and_form() -> None:
    (cdp, mail), problems = read(FILE)
    assert problems == ""
    assert (cdp.name, cdp.form, cdp.segments) == ("cdp", Form.IDENTIFY, {"VIP", "left their cart"})
    assert (mail.url, mail.secret, mail.form) == ("http://127.0.0.1:9000/", "fedcba9876543210", Form.TRACK)
    assert read("") == ((), "")


def test_a_webhook_without_segments_gets_all_computed_ones() -> None:
    publication = load({"a.rules.yaml": RULES}).publication
    assert publication is not None
    cdp, mail = read(FILE)[0]
    assert segments_sent(cdp, publication.segments) == {"VIP", "Left their cart"}
    assert segments_sent(mail, publication.segments) == {"VIP", "Left their cart"}, (
        "whom others know they need not be told"
    )
    named = Webhook("b2b", "https://x.example/", "s" * 16, frozenset({"wholesale", "Runners"}))
    assert segments_sent(named, publication.segments) == {"Wholesale"}
    assert unknown_segments([cdp, named], publication.segments) == ["Runners"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("webhooks: {cdp: {url: 'https://x.example/'}}", 'has no "secret"'),
        ("webhooks: {cdp: {url: 'https://x.example/', secret: short}}", "shorter than 16 characters"),
        ("webhooks: {cdp: {url: 'ftp://x.example/', secret: 0123456789abcdef}}", '"url" cannot be'),
        ("webhooks: {cdp: {url: 'https://anna:pw@x.example/', secret: 0123456789abcdef}}", "no user name"),
        ("webhooks: {cdp: {url: '//x.example/', secret: 0123456789abcdef}}", '"url" cannot be'),
        ("webhooks: {cdp: {url: 'https://[x/', secret: 0123456789abcdef}}", '"url" cannot be'),
        ("webhooks: {CDP: {url: 'https://x.example/', secret: 0123456789abcdef}}", 'cannot be called "CDP"'),
        ("webhooks: {cdp: {url: 'https://x.example/', secret: 0123456789abcdef, form: page}}", "track, identify"),
        ("webhook: {}", 'I do not know "webhook"'),
        ("webhooks: [cdp]", "lines of `word: value`"),
    ],
    ids=["none", "short", "scheme", "user", "no scheme", "no host", "name", "form", "word", "list"],
)
def test_what_makes_no_sense_is_reported_with_its_place(text: str, said: str) -> None:
    _, problems = read(text)
    assert "webhooks.yaml:1:" in problems and said in problems
