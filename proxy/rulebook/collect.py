"""Collects the rules of a folder in order, with those that experiments are made into, and the fragments they show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from proxy.catalogue.ranking import Arrangement
from proxy.conditions.nodes import Entry, Node
from proxy.diagnostics import Finding
from proxy.model import Arm, Rule
from proxy.page.fragments import Fragment
from proxy.rulebook.content_lints import content_lints, pin_lints
from proxy.rulebook.files import RuleFile
from proxy.rulebook.limits import Shared, texts_at, unused
from proxy.rulebook.merchandise import read_arrangement
from proxy.rulebook.names import Names, twice
from proxy.rulebook.rules import Reader, is_listing, read_experiment, read_listing_rule, read_rule
from proxy.rulebook.shares import read_groups
from proxy.rulebook.show import Library, read_show, unknown_fields

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
            self.arrangements[rule.name] = read_arrangement(found, self.library.catalogue, self.findings)
            self.lints.extend(pin_lints(found.node("pin"), self.library.catalogue))
            return rule
        rule, show = read_rule(node, order, reader, timezone, self.findings)
        return replace(rule, variant=self._variant(rule.name, show, rule, self.library) if show else "")

    def _experiment(self, node: Node, order: int, reader: Reader, timezone: str) -> Rule:
        rule, shown = read_experiment(node, order, reader, timezone, self.findings)
        assert rule.experiment is not None, "an experiment is read as one"
        arms = [self._arm(arm, show, rule) for arm, show in zip(rule.experiment.arms, shown, strict=True)]
        return replace(rule, experiment=replace(rule.experiment, arms=tuple(arms)))

    def _arm(self, arm: Arm, show: Entry | None, rule: Rule) -> Arm:
        library = replace(self.library, arm=arm.name)
        return replace(arm, variant=self._variant(f"{rule.name} / {arm.name}", show, rule, library) if show else "")

    def _variant(self, name: str, show: Entry, rule: Rule, library: Library) -> str:
        """Adds what is shown to `fragments`, and returns its name; "" for nothing new."""
        fragment = read_show(show.value, rule, library, self.findings)
        if fragment is None:
            return ""
        self.findings.extend(unknown_fields(fragment, show.value, self.names.words))
        self.lints.extend(content_lints(show.value, fragment, library.slot(rule), library.catalogue))
        self.fragments[name] = fragment
        return name
