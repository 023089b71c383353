"""The nodes of a parsed rule file: texts, lists and maps of `word: value`, each with its place.

Every scalar is its text, exactly as written: `NO` is Norway, `08:30` a time and `010` three characters, because nothing
here guesses a type. `as_map`, `as_list` and `as_text` check that a node has the expected type, and add a finding when
it does not. Of None, a missing value, they return None without a finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from proxy.conditions.other_words import IN_A_RULE, OTHER_WORDS
from proxy.diagnostics import Edit, Finding, Suggestion, did_you_mean
from proxy.model import Place


class Scalar(msgspec.Struct, frozen=True, gc=False):
    """A word or a text."""

    text: str
    place: Place


class ListNode(msgspec.Struct, frozen=True, gc=False):
    """Several nodes in order."""

    items: tuple[Node, ...]
    place: Place


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One `word: value`."""

    key: Scalar
    value: Node


class MapNode(msgspec.Struct, frozen=True, gc=False):
    """Lines of `word: value`, each word once. Its place is its first word. `in_braces` tells `{word: value}` from lines
    of their own, where there are any."""

    entries: tuple[Entry, ...]
    place: Place
    in_braces: bool = False


Node = Scalar | ListNode | MapNode

EVERYBODY = frozenset({"all", "anybody", "anyone", "always", "any", "everybody", "everyone", "true", "yes", "*"})


def as_map(node: Node | None, what: str, findings: list[Finding]) -> MapNode | None:
    """The lines of `word: value`; None and a finding when the node is something else or holds nothing."""
    if node is None or (isinstance(node, MapNode) and node.entries):
        return node
    help = "write `word: value`, each on its own line, two spaces further in"
    edits = _no_dashes(node)
    if edits:
        help += ", without dashes"
    elif isinstance(node, Scalar) and node.text.casefold() in EVERYBODY:
        help = "take the line out: without it, it is for everybody"
    findings.append(replace(_misshapen(node, what, "lines of `word: value`", help), edits=edits))
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
    if word.text[:1].isdigit() and not any(each[:1].isdigit() for each in known):
        help = "within braces a comma ends a line: write numbers with a point, as 9.50, and put quotes around a text"
        return Finding("R101", f'I do not know "{word.text}" in {where}', word.place, help)
    ours = OTHER_WORDS.get(word.text.casefold(), "")
    is_ours = ours in known
    if where == "a rule" and not is_ours and (help := IN_A_RULE.get(word.text.casefold(), "")):
        return Finding("R101", f'I do not know "{word.text}" in {where}', word.place, help)
    help = Suggestion(f'did you mean "{ours}"?', word.text, ours) if is_ours else did_you_mean(word.text, known)
    return Finding("R101", f'I do not know "{word.text}" in {where}', word.place, help)


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


def _no_dashes(node: Node) -> tuple[Edit, ...]:
    """The edits that make one part of a list whose items are plain lines of `word: value`, each word once."""
    items = node.items if isinstance(node, ListNode) else ()
    entries = [entry for item in items if isinstance(item, MapNode) and not item.in_braces for entry in item.entries]
    are_all = all(isinstance(item, MapNode) and item.entries and not item.in_braces for item in items)
    places = [entry.key.place for entry in entries]
    are_plain = all(isinstance(e.value, Scalar) and e.value.place.line == e.key.place.line for e in entries)
    once = len({entry.key.text for entry in entries}) == len(entries)
    if not (are_all and are_plain and once and len({place.column for place in places}) == 1 and places[0].column > 2):
        return ()
    return tuple(Edit(place.line, place.column - 2, place.column, "") for place in places)


def _misshapen(node: Node, what: str, wanted: str, help: str) -> Finding:
    is_empty = is_nothing(node)
    fault = f"{what} is empty" if is_empty else f"{what} should be {wanted}"
    return Finding("R104", fault, node.place, f"{help}, or remove the line" if is_empty else help)
