"""What stands in a rule file, free of any YAML library: words, lists and lines of `word: value`, each with its place.

Every scalar is its text, exactly as written: `NO` is Norway, `08:30` a time and `010` three characters, because nothing
here guesses a type. Who reads a node says what it should be, and `as_map`, `as_list` and `as_text` tell the editor when
it is something else. Of None, a word that is not there, they make None without a finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from proxy.diagnostics import Edit, Finding, did_you_mean
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
    """Lines of `word: value`, each word once. Its place is its first word. `in_braces` tells `{word: value}` from lines
    of their own, where there are any."""

    entries: tuple[Entry, ...]
    place: Place
    in_braces: bool = False


Node = Scalar | ListNode | MapNode


def as_map(node: Node | None, what: str, findings: list[Finding]) -> MapNode | None:
    """The lines of `word: value`; None and a finding when the node is something else or holds nothing."""
    if node is None or (isinstance(node, MapNode) and node.entries):
        return node
    help = "write `word: value`, each on its own line, two spaces further in"
    findings.append(_misshapen(node, what, "lines of `word: value`", help))
    return None


def as_list(node: Node | None, what: str, findings: list[Finding]) -> ListNode | None:
    """The list; None and a finding when the node is something else."""
    if node is None or isinstance(node, ListNode):
        return node
    finding = _misshapen(node, what, "a list", "begin each part with a dash and a space")
    findings.append(replace(finding, edits=_dashes(node, what)))
    return None


def as_text(node: Node | None, what: str, findings: list[Finding]) -> Scalar | None:
    """The text; None and a finding when the node is something else or empty."""
    if node is None or (isinstance(node, Scalar) and node.text.strip()):
        return node
    help = "write it after the colon, on the same line"
    if isinstance(node, ListNode) and node.items:
        help = "write one of them: this takes no list"
    elif isinstance(node, MapNode) and node.in_braces:
        names = [entry.key.text for entry in node.entries if entry.value == Scalar("", entry.value.place)]
        help = f"write a list in brackets: [{', '.join(names)}]" if len(names) == len(node.entries) else help
    findings.append(_misshapen(node, what, "a word or a text", help))
    return None


def one_or_more(node: Node | None) -> Sequence[Node]:
    """The parts of a list; else the node alone, as a list of one; () for none."""
    if node is None:
        return ()
    return node.items if isinstance(node, ListNode) else (node,)


def is_nothing(node: Node) -> bool:
    """Whether nothing stands behind the colon, or nothing in the braces."""
    return node in (Scalar("", node.place), MapNode((), node.place))


def unknown_word(word: Scalar, where: str, known: Sequence[str]) -> Finding:
    """R101: a word that is none of `known` in `where`, as `a rule`."""
    return Finding("R101", f'I do not know "{word.text}" in {where}', word.place, did_you_mean(word.text, known))


def _dashes(node: Node, what: str) -> tuple[Edit, ...]:
    """Dashes that make a list of lines of `word: value`: one for each line of a group of conditions, else one for all.
    Only where each line holds all of its own."""
    entries = node.entries if isinstance(node, MapNode) and not node.in_braces else ()
    lines = {entry.key.place.line for entry in entries}
    are_plain = all(isinstance(entry.value, Scalar) and entry.value.place.line in lines for entry in entries)
    if not are_plain or len(lines) < len(entries):
        return ()
    others = "- " if what.endswith(' of"') else "  "
    places = [entry.key.place for entry in entries]
    return tuple(
        Edit(place.line, place.column, place.column, "- " if place is places[0] else others) for place in places
    )


def _misshapen(node: Node, what: str, wanted: str, help: str) -> Finding:
    is_empty = is_nothing(node)
    fault = f"{what} is empty" if is_empty else f"{what} should be {wanted}"
    return Finding("R104", fault, node.place, f"{help}, or remove the line" if is_empty else help)
