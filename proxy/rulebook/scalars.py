"""Small values that a rule file holds outside conditions: one of some words, a whole number."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.conditions.nodes import Node, Scalar, as_text
from proxy.diagnostics import Finding, did_you_mean


def read_choice(node: Node, what: str, choices: Sequence[str], findings: list[Finding]) -> str | None:
    """One of `choices`, which `what` may be."""
    written = as_text(node, f'"{what}"', findings)
    if written is None or written.text in choices:
        return written.text if written else None
    findings.append(unfit(what, written, did_you_mean(written.text, choices)))
    return None


def read_whole(node: Node, what: str, low: int, high: int, findings: list[Finding]) -> int | None:
    """A whole number from `low` to `high`, which `what` must be."""
    written = as_text(node, f'"{what}"', findings)
    if written is None:
        return None
    if (
        written.text.isascii()
        and written.text.isdigit()
        and len(written.text) < 10
        and low <= int(written.text) <= high
    ):
        return int(written.text)
    findings.append(unfit(what, written, f"write a whole number from {low} to {high}"))
    return None


def unfit(what: str, written: Scalar, help: str) -> Finding:
    """R304: a word that does not take this value."""
    return Finding("R304", f'"{what}" cannot be "{written.text}"', written.place, help)
