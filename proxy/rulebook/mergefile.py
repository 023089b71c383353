"""Reads the file of merge rules: lines `attribute: rule`. The rules are those of `audience/merging.py`."""

from __future__ import annotations

from proxy.audience.merging import MOST_RULES, Merge
from proxy.audience.rows import attribute_name
from proxy.conditions.nodes import as_map, is_nothing
from proxy.diagnostics import Finding
from proxy.rulebook.read import read_yaml, start_of, text_of
from proxy.rulebook.scalars import read_choice


def read_merge_rules(name: str, raw: bytes, findings: list[Finding]) -> dict[str, Merge]:
    """The merge rules in a file, by attribute; none in an empty file. `newest`, the default, is left out."""
    text = text_of(name, raw, findings)
    root = read_yaml(name, text, findings) if text is not None else None
    if root is None or is_nothing(root):
        return {}
    table = as_map(root, "a file of merge rules", findings)
    rules: dict[str, Merge] = {}
    for entry in table.entries if table else ():
        rule = read_choice(entry.value, entry.key.text, list(Merge), findings)
        attribute = attribute_name(entry.key.text)
        if attribute in rules:
            what = f'"{entry.key.text}" is "{attribute}", which has a rule already'
            findings.append(Finding("R102", what, entry.key.place, "keep one of them"))
        elif rule and rule != Merge.NEWEST:
            rules[attribute] = Merge(rule)
    if len(rules) > MOST_RULES:
        what = f"there are rules for {len(rules)} attributes, more than {MOST_RULES}"
        findings.append(Finding("Y003", what, start_of(name), "leave out those for which the newest word will do"))
    return rules
