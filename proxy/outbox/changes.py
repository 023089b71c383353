"""What is to be told: the segments that a visitor is in are compared with what each webhook was told last.

Only a change is told, each once: what was told is remembered in the same step as the message is put up. A segment that
a webhook does not ask for any more, or that no rule file has any more, is forgotten without a word: nobody left it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from math import inf

from proxy.model import Delivery, Standing


def changed(
    before: Standing,
    segments: Collection[str],
    asked: Mapping[str, Collection[str]],
    at: float,
    *,
    due_at: float = inf,
    now: float,
) -> tuple[Standing, list[Delivery]]:
    """The standing of a visitor who is in these segments since `at`, and the messages that follow; `asked` has for each
    webhook the segments it is told of."""
    inside = {name.casefold() for name in segments}
    told: dict[str, dict[str, float]] = {}
    deliveries: list[Delivery] = []
    for webhook, names in asked.items():
        last = {name: since for name, since in before.told.get(webhook, {}).items() if name in names}
        mine = {name for name in names if name.casefold() in inside}
        changes = [(name, True) for name in sorted(mine - last.keys())]
        changes += [(name, False) for name in sorted(last.keys() - mine)]
        deliveries += [_delivery(webhook, before.visitor_id, name, entered, at, now) for name, entered in changes]
        if mine:
            told[webhook] = {name: last.get(name, at) for name in sorted(mine)}
    return Standing(before.visitor_id, told, due_at), deliveries


def _delivery(webhook: str, visitor_id: str, segment: str, entered: bool, at: float, now: float) -> Delivery:
    said = f"{webhook}\n{visitor_id}\n{segment}\n{entered}\n{at!r}"
    digest = hashlib.blake2b(said.encode(), digest_size=16).hexdigest()
    return Delivery(digest, webhook, visitor_id, segment, entered, at, now)
