"""Which messages webhooks get: the segments that a visitor is in are compared with those that each webhook knows.

Only changes are sent, each once: what a webhook knows (`Standing`) is stored in the same transaction as its messages. A
segment that a webhook does not ask for any more, or that was deleted from the rules, is dropped without a message,
since nobody left it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from math import inf

from proxy.model import Delivery, Standing


def compared(
    before: Standing,
    segments: Collection[str],
    wanted: Mapping[str, Collection[str]],
    at: float,
    *,
    due_at: float = inf,
    now: float,
) -> tuple[Standing, list[Delivery]]:
    """The new standing of a visitor who is in these segments since `at` (Unix seconds), and the messages to send.
    `wanted` has for each webhook the segments that it wants to know of; `due_at` is that of the new standing."""
    inside = {name.casefold() for name in segments}
    by_webhook: dict[str, dict[str, float]] = {}
    deliveries: list[Delivery] = []
    for webhook, names in wanted.items():
        known = {name: since for name, since in before.by_webhook.get(webhook, {}).items() if name in names}
        current = {name for name in names if name.casefold() in inside}
        changes = [(name, True) for name in sorted(current - known.keys())]
        changes += [(name, False) for name in sorted(known.keys() - current)]
        deliveries += [_delivery(webhook, before.visitor_id, name, entered, at, now) for name, entered in changes]
        if current:
            by_webhook[webhook] = {name: known.get(name, at) for name in sorted(current)}
    return Standing(before.visitor_id, by_webhook, due_at), deliveries


def _delivery(webhook: str, visitor_id: str, segment: str, entered: bool, at: float, now: float) -> Delivery:
    content = f"{webhook}\n{visitor_id}\n{segment}\n{entered}\n{at!r}"
    message_id = hashlib.blake2b(content.encode(), digest_size=16).hexdigest()
    return Delivery(message_id, webhook, visitor_id, segment, entered, at, now)
