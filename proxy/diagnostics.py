"""Findings: what is wrong in an editor's files, where, and how to mend it; and how they are printed.

One noun serves `check`, Studio's underlines, CI annotations and readiness. The list of codes, with their
explanations, is the table in `rulebook/findings.py`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from proxy.model import Place


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` says the fault in the editor's words, `help` how to mend it, `note` what else to know ("" when none)."""

    code: str
    what: str
    place: Place
    help: str
    note: str = ""
    is_warning: bool = False


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or None when nothing is close."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), None)


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Help that names the nearest known word, else the first six allowed."""
    close = nearest(word, known)
    if close is not None:
        return f'did you mean "{close}"?'
    return "write one of: " + ", ".join(known[:6])


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """By file, then as they stand in it."""
    return sorted(findings, key=lambda f: (f.place.file, f.place.line, f.place.column, f.code))


def as_text(findings: Sequence[Finding], sources: Mapping[str, str]) -> str:
    """All findings as the command line prints them. `sources` maps a file's name to its text, for the excerpt."""
    if not findings:
        return ""
    files = {finding.place.file for finding in findings}
    problems = "1 problem" if len(findings) == 1 else f"{len(findings)} problems"
    where = "1 file" if len(files) == 1 else f"{len(files)} files"
    blocks = [_block(finding, sources.get(finding.place.file, "")) for finding in findings]
    return "\n\n".join([*blocks, f"{problems} found in {where}."])


def _block(finding: Finding, source: str) -> str:
    place = finding.place
    lines = [f"{place.file}:{place.line}:{place.column}: {finding.code} {finding.what}"]
    gutter = " " * (len(str(place.line)) + 1)
    lines += _excerpt(place, source, gutter)
    lines.append(f"{gutter}= help: {finding.help}")
    if finding.note:
        lines.append(f"{gutter}= note: {finding.note}")
    return "\n".join(lines)


def _excerpt(place: Place, source: str, gutter: str) -> list[str]:
    rows = source.split("\n") if source else []
    if not 1 <= place.line <= len(rows):
        return []
    row = rows[place.line - 1].rstrip("\r")
    marks = " " * (place.column - 1) + "^" * max(1, place.end - place.column)
    return [f"{gutter}|", f"{place.line} | {row}", f"{gutter}| {marks}"]
