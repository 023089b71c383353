"""The type of a row in the tables of findings (`findings.py`, `syntax_findings.py`, `warnings.py`), and functions that
build its examples."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

WIDTH = 100
RULE_FILE = "example.rules.yaml"


@dataclass(frozen=True, slots=True)
class FindingKind:
    """A code and its texts. `wrong` and `right` are contents of `file`."""

    code: str
    title: str
    explanation: str
    wrong: str
    right: str
    file: str = RULE_FILE

    def __str__(self) -> str:
        """The row as the command line and the studio print it."""
        wrong, right = (textwrap.indent(text, "    ") for text in (self.wrong, self.right))
        explanation = textwrap.fill(self.explanation, WIDTH)
        said = [f"{self.code}: {self.title}", explanation, f"Wrong, in {self.file}:", wrong, "Right:", right]
        return "\n\n".join(said)


def rule_text(*lines: str) -> str:
    """A rule file whose only rule has these lines, with what else it needs."""
    given = {line.split(":")[0] for line in lines}
    needed = [("name", "name: Winter sale"), ("slot", "slot: home.hero"), ("show", "show: nothing new")]
    whole = [line for word, line in needed[:2] if word not in given] + list(lines)
    whole += [line for word, line in needed[2:] if word not in given]
    return "rules:\n  - " + "\n    ".join(whole)


def banner_text(*lines: str) -> str:
    return rule_text("show:", "  banner:", *(f"    {line}" for line in lines))


def experiment_text(*variants: str) -> str:
    lines = ["name: Winter hero", "slot: home.hero", "variants:", *(f"  {variant}" for variant in variants)]
    return "experiments:\n  - " + "\n    ".join(lines)
