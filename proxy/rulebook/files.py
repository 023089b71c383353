"""Decodes the files of a folder, takes rule files apart, each with the time zone that its dates are in, and collects
their rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from math import inf

from proxy.catalogue.ranking import Arrangement
from proxy.conditions.localtime import ZONED_ATTRIBUTES
from proxy.conditions.nodes import Entry, ListNode, MapNode, Node, Scalar, is_nothing, one_or_more
from proxy.decide.conjunctions import facts_of
from proxy.diagnostics import Finding
from proxy.model import Arm, Place, Rule
from proxy.page.fragments import Fragment
from proxy.rulebook.content_lints import content_lints, pin_lints
from proxy.rulebook.limits import Shared, texts_at, unused
from proxy.rulebook.merchandise import moves_cards, read_arrangement
from proxy.rulebook.names import Names, twice
from proxy.rulebook.read import CATALOGUE_FILE, ORDER_FILE, RULE_FILES, VISIT_FILE, start_of, text_of
from proxy.rulebook.rules import Reader, is_listing, read_experiment, read_listing_rule, read_rule
from proxy.rulebook.scalars import read_choice
from proxy.rulebook.shares import read_groups
from proxy.rulebook.show import Library, read_show, unknown_fields
from proxy.rulebook.times import read_timezone
from proxy.rulebook.words import FILE, Part, fields

READ_ELSEWHERE = (CATALOGUE_FILE, ORDER_FILE, VISIT_FILE)
SCHEDULED = ("rules", "experiments", "holdout")

_ESCAPED = re.compile(r"\\x[89a-f][0-9a-f]")  # bytes of a name that are no text: `ruledir.read_folder`
_DAY = re.compile(r"[12]\d{3}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule file: its parts, and the time zone they are read in."""

    name: str
    parts: Part
    timezone: str


def texts(files: Mapping[str, bytes], findings: list[Finding]) -> Iterator[tuple[str, str]]:
    """The text files, by name; the catalogue and the files of baskets and visits are read elsewhere, line by line. Of
    two rule files with the same content one is left out with a finding, instead of one for each of its names."""
    first: dict[bytes, str] = {}
    for name in sorted(files):
        if _ESCAPED.search(name):
            what = "the name of this file is not in UTF-8"
            findings.append(Finding("Y004", what, start_of(name), "give it a name in plain letters"))
            continue
        other = first.setdefault(files[name], name) if name.endswith(RULE_FILES) and b"name:" in files[name] else name
        if other != name:
            what = f"this file says the same as {other}"
            findings.append(Finding("R201", what, start_of(name), "delete one of them"))
            continue
        text = text_of(name, files[name], findings) if name not in READ_ELSEWHERE else None
        if text is not None or name.endswith(".html"):  # one that cannot be read is there all the same
            yield name, text or ""


def rule_files(roots: Mapping[str, Node], findings: list[Finding]) -> list[RuleFile]:
    """The rule files; R202 for those without rules, and for a folder without any."""
    if not findings and not any(name.endswith(RULE_FILES) for name in roots):
        findings.append(_no_rules("there is no rule file in this folder", start_of("*" + RULE_FILES[0])))
    files = []
    for name, root in roots.items():
        if not name.endswith(RULE_FILES):
            continue
        if is_nothing(root):
            findings.append(_no_rules("this file is empty", root.place))
        else:
            parts = fields(root, "rule file", FILE, findings)
            read_choice(parts.node("version"), "version", ["1"], findings)
            files.append(RuleFile(name, parts, read_timezone(parts.node("timezone"), findings)))
    if files and not findings and not any({"rules", "experiments"} & file.parts.keys() for file in files):
        findings.append(_no_rules("there are no rules in this folder", start_of(files[0].name)))
    return files


def without_clocks(files: Sequence[RuleFile], rules: Iterable[Rule]) -> Iterator[Finding]:
    """L19 for files without a time zone that have hours, weekdays or countdowns, or, where other files have a zone, a
    schedule."""
    zones = Counter(file.timezone for file in files if "timezone" in file.parts)
    usual = zones.most_common(1)[0][0] if zones else "Europe/Amsterdam"
    silent = {file.name for file in files if "timezone" not in file.parts}
    for rule in rules:
        is_scheduled = bool(zones) and (rule.live_from > -inf or rule.live_until < inf)
        if rule.place.file in silent and (
            is_scheduled or rule.countdowns or any(f.attribute in ZONED_ATTRIBUTES for f in facts_of(rule.condition))
        ):
            silent.remove(rule.place.file)
            what = f'the clocks of "{rule.name}" are UTC, because its file has no time zone'
            help = f"write `timezone: {usual}` above the rules{', as in other files' if zones else ''}"
            yield Finding("L19", what, rule.place, help, is_warning=True)


def last_days(files: Sequence[RuleFile]) -> Iterator[Finding]:
    """L21 for what is said to end on a day, of which no minute is part of it: unless on a month's first, or where
    something else of the file takes over."""
    for file in files:
        parts = [Part.of(node) for part in SCHEDULED for node in one_or_more(file.parts.node(part))]
        begin = {node.text for part in parts if isinstance(node := part.node("from"), Scalar)}
        for part in parts:
            until = part.node("until")
            if isinstance(until, Scalar) and until.text not in begin and (day := _day_of(until.text)) and day.day > 1:
                what = f"this ends when {day:%A} begins: {day.day} {day:%B} is no part of it"
                help = f"to show it that day, too, write {day + timedelta(1)} 00:00; if not, {day} 00:00"
                yield Finding("L21", what, until.place, help, is_warning=True)


def _day_of(text: str) -> date | None:
    """The day that the text is, without a time; None if it is none, which is told where it is read."""
    with suppress(ValueError):
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    return None


def fell(roots: dict[str, Node]) -> None:
    """Frees the files' trees branch by branch. Freeing all at once holds up the process: 70 ms with 10,000 rules."""
    branches = [branch for root in roots.values() for child in _children(root) for branch in _children(child)]
    roots.clear()
    while branches:
        branches.pop()


def _children(node: Node) -> Sequence[Node]:
    match node:
        case ListNode(items):
            return items
        case MapNode(entries):
            return [entry.value for entry in entries]
    return ()


def _no_rules(what: str, place: Place) -> Finding:
    return Finding("R202", what, place, "write a rule, or `rules: []` if there should be none")


# -- Collects the rules of a folder in order, with those that experiments are made into, and the fragments they show.

MAX_RULES = 10_000


@dataclass(frozen=True)
class Collector:
    """Reads the rules of a folder. Collects what they show in `fragments`, by variant, and warnings about it in
    `lints`."""

    names: Names
    library: Library
    findings: list[Finding]
    fragments: dict[str, Fragment] = field(default_factory=dict)
    lints: list[Finding] = field(default_factory=list)
    arrangements: dict[str, Arrangement] = field(default_factory=dict)

    def rules(self, files: Sequence[RuleFile]) -> Iterator[Rule]:
        """All rules; the experiments of a file come after its rules."""
        lines = [
            (word, file, node)
            for file in files
            for word in ("rules", "experiments")
            for node in file.parts.items_of(word, self.findings)
        ]
        reader = self._reader(files, [node for _, _, node in lines])
        for order, (word, file, node) in enumerate(lines[:MAX_RULES]):
            read = self._experiment if word == "experiments" else self._rule
            yield read(node, order, reader, file.timezone)
        if len(lines) > MAX_RULES:
            what, help = f"there are more than {MAX_RULES:,} rules", "remove those that are over"
            self.findings.append(Finding("Y003", what, lines[MAX_RULES][2].place, help))

    def _reader(self, files: Sequence[RuleFile], nodes: Sequence[Node]) -> Reader:
        limits = [(entry, file.timezone) for file in files for entry in file.parts.lines("limits", self.findings)]
        groups = [entry for file in files for entry in file.parts.lines("groups", self.findings)]
        for word, entries in (("limits", [entry for entry, _ in limits]), ("groups", groups)):
            self.findings.extend(twice(word, ((entry.key.text, entry.key.place) for entry in entries)))
        members = [name.text for node in nodes for name in texts_at(node, "name")]
        shared = Shared.of(limits, nodes, self.findings)
        self.lints.extend(unused(limits, nodes))
        return Reader(self.names, shared, read_groups(groups, members, self.findings))

    def _rule(self, node: Node, order: int, reader: Reader, timezone: str) -> Rule:
        if is_listing(node):
            rule, found = read_listing_rule(node, order, reader, timezone, self.findings)
            self._arrange(rule.variant, found)
            return rule
        rule, show = read_rule(node, order, reader, timezone, self.findings)
        return self._counting(replace(rule, variant=self._variant(rule.name, show, rule, self.library) if show else ""))

    def _experiment(self, node: Node, order: int, reader: Reader, timezone: str) -> Rule:
        rule, lines = read_experiment(node, order, reader, timezone, self.findings)
        assert rule.experiment is not None, "an experiment is read as one"
        read = self._arm_of_list if is_listing(node) else self._arm
        arms = [read(arm, found, rule) for arm, found in zip(rule.experiment.arms, lines, strict=True)]
        return self._counting(replace(rule, experiment=replace(rule.experiment, arms=tuple(arms))))

    def _counting(self, rule: Rule) -> Rule:
        """The rule with the countdowns in what it shows."""
        shown = sorted(rule.variants & self.fragments.keys())
        found = [countdown for variant in shown for countdown in self.fragments[variant].countdowns]
        return replace(rule, countdowns=tuple(dict.fromkeys(found))) if found else rule

    def _arm(self, arm: Arm, found: Part, rule: Rule) -> Arm:
        show, library = found.get("show"), replace(self.library, arm=arm.name)
        return replace(arm, variant=self._variant(f"{rule.name} / {arm.name}", show, rule, library) if show else "")

    def _arm_of_list(self, arm: Arm, found: Part, rule: Rule) -> Arm:
        if not moves_cards(found, self.findings):
            return arm
        self._arrange(name := f"{rule.name} / {arm.name}", found)
        return replace(arm, variant=name)

    def _arrange(self, name: str, found: Part) -> None:
        """Adds how a list is arranged to `arrangements`."""
        self.arrangements[name] = read_arrangement(found, self.library.catalogue, self.findings)
        self.lints.extend(pin_lints(found.node("pin"), self.library.catalogue))

    def _variant(self, name: str, show: Entry, rule: Rule, library: Library) -> str:
        """Adds what is shown to `fragments`, and returns its name; "" for nothing new."""
        fragment = read_show(show.value, rule, library, self.findings)
        if fragment is None:
            return ""
        self.findings.extend(unknown_fields(fragment, show.value, self.names.words))
        self.lints.extend(content_lints(show.value, fragment, library.slot(rule), library.catalogue, rule))
        self.fragments[name] = fragment
        return name
