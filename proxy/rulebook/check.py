"""A whole folder, checked: everything it says, and every finding at once.

Files are read in two rounds: first what they name (slots, attributes, segments), then what they say, so that a rule may
use a segment of another file. Findings never stop the reading; whether there are any decides what becomes of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from proxy.catalogue.products import read_products
from proxy.conditions.nodes import Entry, MapNode, Node, as_list, as_map
from proxy.conditions.vocabulary import words
from proxy.diagnostics import Finding, in_order
from proxy.model import Place, Product, Rule, Segment
from proxy.page.fragments import Fragment
from proxy.page.slots import DeclaredSlot
from proxy.rulebook.declared import read_attributes, read_slots
from proxy.rulebook.expectations import Case, read_case
from proxy.rulebook.names import Names, twice
from proxy.rulebook.read import ATTRIBUTE_FILE, CATALOGUE_FILE, RULE_FILES, SLOT_FILE, read_yaml, start_of, text_of
from proxy.rulebook.rules import read_rule
from proxy.rulebook.scalars import read_choice
from proxy.rulebook.segments import circles, read_segment
from proxy.rulebook.show import Library, file_faults, read_show, unknown_fields
from proxy.rulebook.times import read_timezone
from proxy.rulebook.words import FILE, fields

MAX_RULES = 10_000


@dataclass(frozen=True, slots=True)
class Checked:
    """What a folder says. `sources` are its texts, for the excerpts of findings."""

    rules: tuple[Rule, ...]
    segments: tuple[Segment, ...]
    declared: tuple[DeclaredSlot, ...]
    fragments: Mapping[str, Fragment]
    cases: tuple[Case, ...]
    names: Names
    findings: list[Finding]
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _RuleFile:
    name: str
    parts: Mapping[str, Entry]
    timezone: str

    def segments(self, findings: list[Finding]) -> tuple[Entry, ...]:
        node = self.parts["segments"].value if "segments" in self.parts else None
        table = as_map(node, '"segments"', findings) if node else None
        return table.entries if table else ()

    def items(self, word: str, findings: list[Finding]) -> tuple[Node, ...]:
        node = self.parts[word].value if word in self.parts else None
        items = as_list(node, f'"{word}"', findings) if node else None
        return items.items if items else ()


def check(
    files: Mapping[str, bytes],
    *,
    catalogue: Sequence[Product] = (),
    imported: Collection[str] = (),
    seen_slots: Collection[str] = (),
) -> Checked:
    """All that the folder's files (path within it, bytes) say, and all that is wrong with them, in order."""
    findings: list[Finding] = []
    sources = dict(_texts(files, findings))
    roots = {
        name: root for name in sources if name.endswith(".yaml") and (root := read_yaml(name, sources[name], findings))
    }
    declared = read_slots(roots[SLOT_FILE], findings) if SLOT_FILE in roots else ()
    attributes = read_attributes(roots[ATTRIBUTE_FILE], findings) if ATTRIBUTE_FILE in roots else {}
    rule_files = _rule_files(roots, findings)
    segment_lines = [(file, entry) for file in rule_files for entry in file.segments(findings)]
    segment_names = tuple(entry.key.text for _, entry in segment_lines)
    slots = tuple(sorted({*(slot.name for slot in declared), *seen_slots}))
    names = Names(words(segment_names, attributes, imported), segment_names, slots)

    segments = tuple(read_segment(entry, names, file.timezone, findings) for file, entry in segment_lines)
    library = Library.of(sources, catalogue or _own_catalogue(files, findings), declared)
    fragments: dict[str, Fragment] = {}
    rules = tuple(_rules(rule_files, names, library, fragments, findings))
    by_name = {rule.name: rule for rule in rules}
    cases = tuple(
        read_case(node, by_name, names, file.timezone, findings)
        for file in rule_files
        for node in file.items("tests", findings)
    )
    findings += twice("segments", ((segment.name, segment.place) for segment in segments))
    findings += twice("rules", ((rule.name, rule.place) for rule in rules if rule.name))
    findings += twice("tests", ((case.name, case.place) for case in cases if case.name))
    findings += circles(segments)
    findings += file_faults(sources)
    return Checked(rules, segments, declared, fragments, cases, names, in_order(findings), sources)


def _texts(files: Mapping[str, bytes], findings: list[Finding]) -> Iterator[tuple[str, str]]:
    for name in sorted(files):
        text = text_of(name, files[name], findings) if name != CATALOGUE_FILE else None
        if text is not None:
            yield name, text


def _own_catalogue(files: Mapping[str, bytes], findings: list[Finding]) -> Sequence[Product]:
    """The products of the folder's own file. A line that is left out is a warning: the others count."""
    catalogue = read_products(files.get(CATALOGUE_FILE, b""))
    for problem in catalogue.problems:
        place = Place(CATALOGUE_FILE, problem.line, 1, 2)
        findings.append(
            Finding("R505", problem.what, place, "mend the line; until then it is left out", is_warning=True)
        )
    return catalogue.products


def _rule_files(roots: Mapping[str, Node], findings: list[Finding]) -> list[_RuleFile]:
    """Every rule file, and R202 for those without anything, or a folder without rules."""
    if not findings and not any(name.endswith(RULE_FILES) for name in roots):
        findings.append(_no_rules("there is no rule file in this folder", start_of("*" + RULE_FILES)))
    files = []
    for name, root in roots.items():
        if root == MapNode((), root.place):
            findings.append(_no_rules("this file is empty", root.place))
        elif name.endswith(RULE_FILES):
            parts = fields(root, "rule file", FILE, findings)
            files.append(_RuleFile(name, parts, _timezone(parts, findings)))
    if files and not findings and not any("rules" in file.parts for file in files):
        findings.append(_no_rules("there are no rules in this folder", start_of(files[0].name)))
    return files


def _timezone(parts: Mapping[str, Entry], findings: list[Finding]) -> str:
    if "version" in parts:
        read_choice(parts["version"].value, "version", ["1"], findings)
    return read_timezone(parts["timezone"].value, findings) if "timezone" in parts else "UTC"


def _no_rules(what: str, place: Place) -> Finding:
    return Finding("R202", what, place, "write a rule, or `rules: []` if there should be none")


def _rules(
    files: Sequence[_RuleFile], names: Names, library: Library, fragments: dict[str, Fragment], findings: list[Finding]
) -> Iterator[Rule]:
    """Every rule in order. What it shows goes to `fragments`, under its name."""
    lines = [(file, node) for file in files for node in file.items("rules", findings)]
    for order, (file, node) in enumerate(lines[:MAX_RULES]):
        rule, show = read_rule(node, order, names, file.timezone, findings)
        fragment = read_show(show.value, rule, library, findings) if show else None
        if fragment and show:
            findings += unknown_fields(fragment, show.value, names.words)
            fragments[rule.name] = fragment
            rule = replace(rule, variant=rule.name)
        yield rule
    if len(lines) > MAX_RULES:
        place = lines[MAX_RULES][1].place
        findings.append(
            Finding("Y003", f"there are more than {MAX_RULES:,} rules", place, "remove those that are over")
        )
