"""Rule files as JSON, for programs: every condition is a tree of operators. A file whose name ends in `.rules.json` is
read by the same checker as any rule file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proxy.conditions.nodes import Entry, ListNode, MapNode, Node
from proxy.conditions.tree import plain, tree_of
from proxy.diagnostics import Finding
from proxy.rulebook.files import RuleFile, rule_files, texts
from proxy.rulebook.names import Names
from proxy.rulebook.read import read_yaml
from proxy.rulebook.segments import read_stage, read_when
from proxy.rulebook.words import Part

CONDITIONS = ("when", "unless")
YAML, JSON = ".rules.yaml", ".rules.json"


def as_json(files: Mapping[str, bytes], names: Names) -> dict[str, str]:
    """Every rule file of a valid folder as JSON, by its new name. `names` are those of the checked folder."""
    findings: list[Finding] = []
    sources = {name: text for name, text in texts(files, findings) if name.endswith((YAML, JSON))}
    roots = {name: root for name, text in sources.items() if (root := read_yaml(name, text, findings))}
    opened = rule_files(roots, findings)
    return {file.name.removesuffix(YAML).removesuffix(JSON) + JSON: _written(file, names) for file in opened}


def _written(file: RuleFile, names: Names) -> str:
    parts = {word: _part(word, entry, file, names) for word, entry in file.parts.items()}
    return json.dumps(parts, indent=2, ensure_ascii=False) + "\n"


def _part(word: str, entry: Entry, file: RuleFile, names: Names) -> Any:
    node = entry.value
    if word in ("rules", "experiments") and isinstance(node, ListNode):
        return [_with_tree(item, file, names) for item in node.items]
    if word == "segments" and isinstance(node, MapNode):
        return {each.key.text: _with_tree(each.value, file, names) for each in node.entries}
    if word == "journey" and isinstance(node, MapNode):
        return {each.key.text: _stage(each, file, names) for each in node.entries}
    return plain(node)


def _with_tree(node: Node, file: RuleFile, names: Names) -> Any:
    """A rule or segment with its `when` and `unless` as one tree."""
    if not isinstance(node, MapNode):
        return plain(node)
    found = Part.of(node)
    values = {word: plain(entry.value) for word, entry in found.items() if word not in CONDITIONS}
    if not found.keys() & set(CONDITIONS):
        return values
    return values | {"when": tree_of(read_when(found, names.at(file.timezone), []))}


def _stage(entry: Entry, file: RuleFile, names: Names) -> Any:
    if not isinstance(entry.value, MapNode):
        return plain(entry.value)
    return tree_of(read_stage(entry, names, file.timezone, []).condition)
