"""Mends findings: turns a finding's help into an edit of the text, and applies edits by position, so that all other
bytes of a file (comments, spaces, line ends) stay as they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from proxy.conditions.vocabulary import PHRASES
from proxy.diagnostics import Edit, Finding, Suggestion, rows_of

MAX_ROUNDS = 100
_PLAIN = re.compile(r"[\w/](?:[\w ./+%()'-]|:(?=\S))*(?<! )")
_PART = r"(?:[\w/. -]|:(?=\w))+"
_LIST = re.compile(rf"\[{_PART}(?:, {_PART})+\]")
_SIGN = re.compile(r">(=)? *(\d.*)")
_PAIRS = ("''", '""', "“”", "„“", "„”", "‘’", "‚‘", "«»", "»«")
NAMED = ("R301", "R302", "R308", "R601")
"""The findings of names that the folder declares: slots, segments and stages, limits, rules."""
VOCABULARY = frozenset(phrase.key for phrase in PHRASES)
IS_IT_THE_SLIP = "It stands only where it is declared: if it is misspelt there, mend it there"
BOM = b"\xef\xbb\xbf"

Files = Mapping[str, bytes]
Check = Callable[[Files], Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class Mended:
    """A finding that was mended, with the words before and after."""

    finding: Finding
    before: str
    after: str


def with_edits(findings: Iterable[Finding], sources: Mapping[str, str]) -> list[Finding]:
    """The findings; those whose help says what to write instead have the edit that writes it, but where what is
    declared may be the slip."""
    rows: dict[str, list[str]] = {}
    found = []
    findings = list(findings)
    doubtful = _doubtful(findings, sources)
    for finding in findings:
        if _named(finding, sources.get("attributes.yaml", "")) in doubtful:
            finding = replace(finding, help=f"{finding.help} {IS_IT_THE_SLIP}")
        if isinstance(finding.help, Suggestion) and not finding.edits:
            name = finding.place.file
            if name not in rows:
                rows[name] = rows_of(sources.get(name, ""))
            finding = replace(finding, help=str(finding.help), edits=_instead(finding, finding.help, rows[name]))
        found.append(finding)
    return found


def _doubtful(findings: Iterable[Finding], sources: Mapping[str, str]) -> set[tuple[str, str, str]]:
    """The corrections that several places need alike, to a name that stands nowhere but where it is declared: as likely
    as not, that is where it is misspelt."""
    own = sources.get("attributes.yaml", "")
    counts = Counter(filter(None, (_named(finding, own) for finding in findings)))
    return {named for named, count in counts.items() if count > 1 and _times(named[2], sources) == 1}


def _named(finding: Finding, own: str) -> tuple[str, str, str] | None:
    """The correction of a name that the folder declares; `own` is its file of attributes."""
    help = finding.help
    if not isinstance(help, Suggestion):
        return None
    is_own = finding.code == "R101" and help.instead in own and help.instead not in VOCABULARY
    return (finding.code, help.wrong, help.instead) if is_own or finding.code in NAMED else None


def _times(name: str, sources: Mapping[str, str]) -> int:
    """How often a name is written in the rule files."""
    word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)")
    return sum(len(word.findall(text)) for text in sources.values() if name in text)


def mended(files: Files, check: Check) -> tuple[dict[str, bytes], list[Mended]]:
    """The files with the edits of all findings applied, repeated until no finding has an edit: behind a mistake that
    stops the parser there may be more. Of overlapping edits, one is left for the next round."""
    now, done = dict(files), []
    seen = {tuple(sorted(now.items()))}
    for _ in range(MAX_ROUNDS):
        changed = False
        for name, findings in _by_file(check(now)).items():
            if name in now and (round := _made(now[name], findings)):
                now[name], made = round
                done += made
                changed = changed or bool(made)
        state = tuple(sorted(now.items()))
        if not changed or state in seen:
            break
        seen.add(state)
    return now, done


def spliced(text: str, edits: Iterable[Edit]) -> str:
    """The text with these edits applied; they must not overlap."""
    starts = _starts(text)
    for edit in sorted(edits, key=lambda edit: (edit.line, edit.column), reverse=True):
        start = starts[edit.line - 1]
        text = text[: start + edit.column - 1] + edit.replacement + text[start + edit.end - 1 :]
    return text


def quoted(text: str) -> str:
    """The text as YAML: unchanged if it is plain, or a list of plain words; else in quotes."""
    return text if _PLAIN.fullmatch(text) or _LIST.fullmatch(text) else in_quotes(text)


def readable(text: str) -> str:
    """What to write for a value that YAML cannot read: words instead of a sign, else the text in quotes, without
    unbalanced ones of its own."""
    if sign := _SIGN.fullmatch(text):
        return f"{'at least' if sign[1] else 'more than'} {sign[2]}"
    if len(text) > 1 and f"{text[0]}{text[-1]}" in _PAIRS and _is_around(text[0], text[-1], text[1:-1]):
        return in_quotes(text[1:-1])
    is_odd = text[:1] in ("'", '"') and text.count(text[0]) % 2 == 1
    return in_quotes(text.replace(text[0], "", 1) if is_odd and len(text) > 1 else text)


def _is_around(opening: str, closing: str, inner: str) -> bool:
    """Whether the first and last quote are a pair around the whole text."""
    if opening == closing:  # an inner quote that a blank stands before begins another text within
        return inner.count(opening) % 2 == 1 or " " in inner.partition(opening)[0][-1:]
    return opening not in inner and closing not in inner


def in_quotes(text: str) -> str:
    """The text as a quoted scalar."""
    if '"' in text and "'" not in text:
        return f"'{text}'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _instead(finding: Finding, help: Suggestion, rows: Sequence[str]) -> tuple[Edit, ...]:
    place = finding.place
    row = rows[place.line - 1] if 1 <= place.line <= len(rows) else ""
    written = row[place.column - 1 : place.end - 1]
    start = written.find(help.wrong)
    if start < 0 or not help.wrong:
        return ()
    column = place.column + start
    is_quoted = written[:1] in ('"', "'")
    if is_quoted and written[1:-1] == help.wrong and _LIST.fullmatch(help.instead):
        return (Edit(place.line, place.column, place.end, help.instead),)  # in quotes a list would be a text
    instead = help.instead if is_quoted or written != help.wrong else quoted(help.instead)
    return (Edit(place.line, column, column + len(help.wrong), instead),)


def _by_file(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    files: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.edits:
            files.setdefault(finding.place.file, []).append(finding)
    return files


def _made(raw: bytes, findings: Iterable[Finding]) -> tuple[bytes, list[Mended]] | None:
    """The file with the edits of its findings applied; None when it is not text."""
    bom = BOM if raw.startswith(BOM) else b""
    try:
        text = raw[len(bom) :].decode()
    except UnicodeDecodeError:
        return None
    rows = rows_of(text)
    edits: list[Edit] = []
    done = []
    for finding in findings:
        if all(_fits(edit, rows) and not any(_touch(edit, other) for other in edits) for edit in finding.edits):
            edits += finding.edits
            first = finding.edits[0]
            done.append(Mended(finding, rows[first.line - 1][first.column - 1 : first.end - 1], first.replacement))
    return bom + spliced(text, edits).encode(), done


def _fits(edit: Edit, rows: Sequence[str]) -> bool:
    return 1 <= edit.line <= len(rows) and 1 <= edit.column <= edit.end <= len(rows[edit.line - 1]) + 1


def _touch(one: Edit, other: Edit) -> bool:
    return one.line == other.line and one.column <= other.end and other.column <= one.end


def _starts(text: str) -> list[int]:
    """The offset of each line."""
    starts, at = [], 0
    for row in rows_of(text):
        starts.append(at)
        at += len(row)
        at += 2 if text.startswith("\r\n", at) else 1
    return starts
