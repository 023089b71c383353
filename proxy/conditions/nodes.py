"""What stands in a rule file, free of any YAML library: words, lists and lines of `word: value`, each with its place.

Every scalar is its text, exactly as written: `NO` is Norway, `08:30` a time and `010` three characters, because nothing
here guesses a type. Who reads a node says what it should be, and `as_map`, `as_list` and `as_text` tell the editor when
it is something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.diagnostics import Finding, did_you_mean
from proxy.model import Place


@dataclass(frozen=True, slots=True)
class Scalar:
    """A word or a text."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class ListNode:
    """Several nodes in order."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """One `word: value`."""

    key: Scalar
    value: Node


@dataclass(frozen=True, slots=True)
class MapNode:
    """Lines of `word: value`, each word once. Its place is its first word."""

    entries: tuple[Entry, ...]
    place: Place


Node = Scalar | ListNode | MapNode


def as_map(node: Node, what: str, findings: list[Finding]) -> MapNode | None:
    """The lines of `word: value`; None and a finding when the node is something else or holds nothing."""
    if isinstance(node, MapNode) and node.entries:
        return node
    help = "write `word: value`, each on its own line, two spaces further in"
    findings.append(_misshapen(node, what, "lines of `word: value`", help))
    return None


def as_list(node: Node, what: str, findings: list[Finding]) -> ListNode | None:
    """The list; None and a finding when the node is something else."""
    if isinstance(node, ListNode):
        return node
    findings.append(_misshapen(node, what, "a list", "begin each part with a dash and a space"))
    return None


def as_text(node: Node, what: str, findings: list[Finding]) -> Scalar | None:
    """The text; None and a finding when the node is something else or empty."""
    if isinstance(node, Scalar) and node.text.strip():
        return node
    findings.append(_misshapen(node, what, "a word or a text", "write it after the colon, on the same line"))
    return None


def unknown_word(word: Scalar, where: str, known: Sequence[str]) -> Finding:
    """R101: a word that is none of `known` in `where`, as `a rule`."""
    return Finding("R101", f'I do not know "{word.text}" in {where}', word.place, did_you_mean(word.text, known))


def _misshapen(node: Node, what: str, wanted: str, help: str) -> Finding:
    is_empty = node in (Scalar("", node.place), MapNode((), node.place))
    fault = f"{what} is empty" if is_empty else f"{what} should be {wanted}"
    return Finding("R104", fault, node.place, f"{help}, or remove the line" if is_empty else help)
