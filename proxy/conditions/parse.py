"""Parses an editor's lines into a condition.

Lines of `phrase: value` must all hold; `any of`, `all of` and `none of` take a list of such lines, `unless` negates.
A value is one of a dozen forms:

    X             the value itself              [X, Y]                any of them
    not X         known, and something else     not [X, Y]            none of them
    at least N    at most N    more than N      less than N           exactly N    between A and B
    starts with X              contains X       any (it is known)     none (it is not)

and for dates, versions and places those of `forms.py`.

What cannot be read becomes a finding, reading goes on, and all findings come at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from proxy.conditions.actions import read_action
from proxy.conditions.amounts import amount, is_amount_form, no_amount
from proxy.conditions.choices import HOURS, NEGATED, TEXT_FORM, check_values, signs_of_a_pattern
from proxy.conditions.corrections import swapped
from proxy.conditions.derived import NAME, derived_name
from proxy.conditions.forms import is_worked, read_worked
from proxy.conditions.nodes import (
    Entry,
    ListNode,
    MapNode,
    Node,
    Scalar,
    as_list,
    as_map,
    as_text,
    one_or_more,
    unknown_word,
)
from proxy.conditions.phrase import AS_READ, MOST_READ, Kind, Phrase
from proxy.conditions.placenames import of_plain_names
from proxy.conditions.tree import is_tree, read_tree
from proxy.conditions.unknown import unknown_condition
from proxy.conditions.values import number_text
from proxy.conditions.vocabulary import phrase_of, spelled
from proxy.diagnostics import Edit, Finding, Suggestion
from proxy.model import (
    EVERYBODY,
    AllOf,
    AnyOf,
    Condition,
    Contains,
    Fact,
    IsKnown,
    NoneOf,
    NotOneOf,
    OneOf,
    StartsWith,
    Test,
    WithinHours,
)

GROUPS = ("any of", "all of", "none of", "unless")

Words = Mapping[str, Phrase]


def read_condition(node: Node, words: Words, findings: list[Finding], what: str = "a condition") -> Condition:
    """The condition of some lines, all of which must hold. `words` are those it may use (`vocabulary.words`)."""
    table = as_map(node, what, findings)
    if table and is_tree(table):
        return read_tree(table, words, findings)
    return all_of(_read_line(entry, words, findings) for entry in table.entries) if table else EVERYBODY


def all_of(parts: Iterable[Condition]) -> Condition:
    """The condition that every part holds, without needless nesting."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, AllOf) else (part,))]
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def _read_line(entry: Entry, words: Words, findings: list[Finding]) -> Condition:
    word = entry.key.text
    if word == "unless":
        return NoneOf((read_condition(entry.value, words, findings, '"unless"'),))
    if word in GROUPS:
        return _read_group(entry, words, findings)
    phrase = phrase_of(word, words)
    if phrase is None:
        value = entry.value.text if isinstance(entry.value, Scalar) else ""
        findings.append(unknown_condition(entry.key, [*spelled(word, words), *GROUPS], value))
        return EVERYBODY
    if phrase.parts and phrase.measure:
        return read_action(entry, phrase, phrase.measure, read_tests, findings)
    if phrase.parts is not None and (isinstance(entry.value, MapNode) or not phrase.stands_alone):
        parts = as_map(entry.value, f'"{word}"', findings)
        return all_of(_read_part(part, phrase, findings) for part in parts.entries) if parts else EVERYBODY
    return _read_fact(phrase, phrase.attribute, entry, findings)


def _read_group(entry: Entry, words: Words, findings: list[Finding]) -> Condition:
    word = entry.key.text
    items = as_list(entry.value, f'"{word}"', findings)
    if items is None:
        return EVERYBODY
    if not items.items:
        findings.append(Finding("R104", f'"{word}" is empty', entry.key.place, "write a list of conditions under it"))
    parts = [read_condition(item, words, findings, f'each part of "{word}"') for item in items.items]
    if word == "all of":
        return all_of(parts)
    return AnyOf(tuple(parts)) if word == "any of" else NoneOf(tuple(parts))


def _read_part(entry: Entry, phrase: Phrase, findings: list[Finding]) -> Condition:
    if phrase.parts and entry.key.text not in phrase.parts:
        findings.append(unknown_word(entry.key, f'"{phrase.key}"', phrase.parts))
        return EVERYBODY
    return _read_fact(phrase, f"{phrase.attribute}.{entry.key.text}", entry, findings)


def _read_fact(phrase: Phrase, attribute: str, entry: Entry, findings: list[Finding]) -> Condition:
    """One line: a single value, or a list of which one must match."""
    if any(isinstance(item, Scalar) and is_worked(phrase, item.text) for item in one_or_more(entry.value)):
        return _read_worked(phrase, attribute, entry, findings)
    tests, written = read_tests(phrase, entry, findings)
    text = f"{_said(phrase, attribute)}: {written}"
    if phrase.kind is Kind.NAME:
        attribute, tests = derived_name(attribute, NAME), list(map(of_plain_names, tests))
    facts = [Fact(attribute, test, text, entry.key.place, phrase.measure) for test in tests]
    return facts[0] if len(facts) == 1 else AnyOf(tuple(facts))


def _said(phrase: Phrase, attribute: str) -> str:
    """The attribute in the editor's word, with a part behind it: `hours there`, `campaign source`."""
    return phrase.key + attribute.removeprefix(phrase.attribute).replace(".", " ", 1)


def _read_worked(phrase: Phrase, attribute: str, entry: Entry, findings: list[Finding]) -> Condition:
    """A line that compares something calculated from the attribute."""
    words = [word for item in one_or_more(entry.value) if (word := as_text(item, f'"{phrase.key}"', findings))]
    text = f"{_said(phrase, attribute)}: {', '.join(word.text for word in words)}"
    facts = []
    for word in words:
        if NEGATED.fullmatch(word.text):
            help = "write it under `unless:` instead, without the not"
            findings.append(Finding("R306", f'"not" does not go with "{phrase.key}"', word.place, help))
        elif worked := read_worked(phrase, word, findings):
            name = derived_name(attribute, worked.how) if worked.how else attribute
            facts.append(Fact(name, worked.test, text, entry.key.place))
    return facts[0] if len(facts) == 1 else AnyOf(tuple(facts))


def read_tests(phrase: Phrase, entry: Entry, findings: list[Finding]) -> tuple[list[Test], str]:
    """The tests of one line, of which a value must pass one; and the line's words."""
    node = entry.value
    scalars = node.items if isinstance(node, ListNode) and node.items else (node,)
    words = [word for item in scalars if (word := as_text(item, f'"{phrase.key}"', findings))]
    if len(words) > 1:
        findings += _inside_a_list(node, [word for word in words if _forbidden_in_lists(word.text)], len(words))
    before = len(findings)
    tests = [test for word in words if (test := _read_test(phrase, word, findings))]
    if isinstance(node, ListNode):
        findings[before:] = [_within_a_list(each, node, len(words)) for each in findings[before:]]
    return _merged(tests), ", ".join(word.text for word in words)


NOT_IN_A_LIST = "write: not [A, B], or a line of its own"


def _within_a_list(finding: Finding, node: ListNode, of: int) -> Finding:
    """The finding for one of so many words of a list, where its help would not do: neither a list nor, beside other
    words, `not` can stand there."""
    if isinstance(finding.help, Suggestion) and finding.help.instead.startswith("not ") and of > 1:
        return replace(finding, help=NOT_IN_A_LIST)
    if not isinstance(finding.help, Suggestion) or not finding.help.instead.startswith("["):
        return finding
    parts, place = finding.help.instead[1:-1], finding.place
    edits = (Edit(place.line, place.column, place.end, parts),) if _is_in_brackets(node) else ()
    return replace(finding, help=f"write them one by one: {parts}", edits=edits)


def _is_in_brackets(node: Node) -> bool:
    return node.place.end > node.place.column + 1


def _forbidden_in_lists(text: str) -> bool:
    return text.casefold() in ("any", "none") or NEGATED.fullmatch(text) is not None


def _inside_a_list(node: Node, wrong: Sequence[Scalar], of: int) -> Iterator[Finding]:
    """R306 for each word that cannot stand in a list. Where all are a `not`, that can stand before the list instead."""
    values = [found["one"] for word in wrong if (found := NEGATED.fullmatch(word.text)) and found["one"]]
    for word in wrong:
        form, help = word.text.split()[0], NOT_IN_A_LIST
        edits: tuple[Edit, ...] = ()
        if len(values) == of and word is wrong[0] and _is_in_brackets(node):
            edits = (Edit(node.place.line, node.place.column, node.place.end, f'"not [{", ".join(values)}]"'),)
        yield Finding("R306", f'"{form}" stands inside a list', word.place, help, edits=edits)


def _merged(tests: Sequence[Test]) -> list[Test]:
    """The same tests; those of a kind that takes several values are merged."""
    equal = [value for test in tests if isinstance(test, OneOf) for value in test.values]
    starts = [value for test in tests if isinstance(test, StartsWith) for value in test.values]
    contained = [value for test in tests if isinstance(test, Contains) for value in test.values]
    merged: list[Test] = [OneOf(frozenset(equal))] if equal else []
    merged += [StartsWith(tuple(starts))] if starts else []
    merged += [Contains(tuple(contained))] if contained else []
    return merged + [test for test in tests if not isinstance(test, (OneOf, StartsWith, Contains))]


def _read_test(phrase: Phrase, word: Scalar, findings: list[Finding]) -> Test | None:
    known = phrase.read.get(word.text)
    if known is None:
        before, known = len(findings), _read_anew(phrase, word, findings)
        if known is not None and len(findings) == before and len(phrase.read) < MOST_READ:
            phrase.read[word.text] = known
    return known


def _read_anew(phrase: Phrase, word: Scalar, findings: list[Finding]) -> Test | None:
    if as_read := AS_READ.get(phrase.shape):
        word = Scalar(as_read(word.text), word.place)
    if word.text.casefold() in ("any", "none"):
        return IsKnown(word.text.casefold() == "any")
    if negated := NEGATED.fullmatch(word.text):
        return _read_negated(phrase, word, negated, findings)
    return _READERS[phrase.kind](phrase, word, findings)


def _read_negated(phrase: Phrase, word: Scalar, negated: re.Match[str], findings: list[Finding]) -> Test | None:
    values = [part.strip() for part in negated["many"].split(",")] if negated["many"] else [negated["one"]]
    if phrase.kind is Kind.HOURS or any(TEXT_FORM.fullmatch(value) for value in values):
        help = "write it under `unless:` instead, without the not"
        findings.append(Finding("R306", f'"not" does not go with "{values[0]}"', word.place, help))
        return None
    if phrase.kind is Kind.NUMBER:
        amounts = [amount(phrase, value) for value in values]
        exact = [read for read in amounts if read and read.low == read.high]
        if len(exact) < len(values):
            findings.append(no_amount(word, phrase))
        return NotOneOf(frozenset(number_text(read.low) for read in exact))
    check_values(phrase, values, word, findings)
    findings += [sign for value in values for sign in signs_of_a_pattern(phrase, value, word)]
    return NotOneOf(frozenset(value.casefold() for value in values))


def _read_text(phrase: Phrase, word: Scalar, findings: list[Finding]) -> Test | None:
    form = None if phrase.choices else TEXT_FORM.fullmatch(word.text)
    findings += signs_of_a_pattern(phrase, form[2] if form else word.text, word)
    if form and form[1].casefold() == "contains":
        return Contains((form[2].casefold(),))
    if form:
        check_values(phrase, [form[2]], word, findings)
        return StartsWith((form[2].casefold(),))
    if not phrase.choices and is_amount_form(word.text):
        help = "write the text itself, or: starts with ..., contains ..."
        findings.append(Finding("R305", f'"{phrase.key}" is text, not an amount', word.place, help))
        return None
    check_values(phrase, [word.text], word, findings)
    return OneOf(frozenset({word.text.casefold()}))


def _read_number(phrase: Phrase, word: Scalar, findings: list[Finding]) -> Test | None:
    read = amount(phrase, word.text)
    if read is None:
        findings.append(no_amount(word, phrase))
    elif read.low > read.high:
        help = swapped(word.text, "swap the two numbers")
        findings.append(Finding("R303", f'"{word.text}" holds no amount', word.place, help))
    return read


def _read_anything(phrase: Phrase, word: Scalar, findings: list[Finding]) -> Test | None:
    read = _read_number if is_amount_form(word.text) else _read_text
    return read(phrase, word, findings)


def _read_hours(phrase: Phrase, word: Scalar, findings: list[Finding]) -> Test | None:
    found = HOURS.fullmatch(word.text)
    if found is None:
        check_values(phrase, [word.text], word, findings)
        return None
    start_hour, start_minute, end_hour, end_minute = map(int, found.groups())
    return WithinHours(start_hour * 60 + start_minute, end_hour * 60 + end_minute)


_READERS: dict[Kind, Callable[[Phrase, Scalar, list[Finding]], Test | None]] = {
    Kind.TEXT: _read_text,
    Kind.DATE: _read_text,
    Kind.VERSION: _read_text,
    Kind.PLACE: _read_text,
    Kind.SET: _read_text,
    Kind.NAME: _read_text,
    Kind.TRUTH: _read_text,
    Kind.NUMBER: _read_number,
    Kind.HOURS: _read_hours,
    Kind.ANYTHING: _read_anything,
}
