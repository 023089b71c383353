"""A condition while somebody types it: the lines after `when:` alone, read as those of a rule file are."""

from __future__ import annotations

from proxy.conditions.parse import read_condition
from proxy.diagnostics import Finding
from proxy.model import EVERYBODY, Condition
from proxy.rulebook.names import Names
from proxy.rulebook.read import read_yaml

NAME = "when"
"""What the text is called where a file's name stands."""


def typed_condition(text: str, names: Names, findings: list[Finding]) -> Condition:
    """The condition, of everybody when there is no line yet; what is wrong with it goes to `findings`."""
    if not text.strip():
        return EVERYBODY
    root = read_yaml(NAME, text, findings)
    return EVERYBODY if root is None else read_condition(root, names.words, findings, "a condition")
