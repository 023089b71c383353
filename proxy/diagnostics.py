"""Findings: what is wrong in an editor's files, where, and how to mend it; and how they are printed.

One noun serves `check`, Studio's underlines, CI annotations and readiness. The list of codes, with their
explanations, is the table in `rulebook/findings.py`.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from heapq import nlargest
from itertools import islice, pairwise

from proxy.model import Place

MANY, MOST_COMPARED = 20, 6
"""Of many known words only so many are compared letter by letter: those that share most with the word."""
MOST_MET = 50
"""So many of those that have most parts in common are weighed by how much else they have."""
LONG = 60
"""Letters of a word for which a comparison letter by letter takes milliseconds."""
MOST_NAMED = 8
MOST_TOLD, MOST_PLACES = 20, 8
"""Of many mistakes, those told to who asked something else; and the places of each."""
SLIP = 0.7
"""How alike two words must be, from 0 to 1, of which a program may write one for the other."""
_BLANKS = re.compile(r"[\s_./,;:'\"“”„‚‘’-]+")  # which people write for one another in names
_LINE_ENDS = ("\r\n", "\r", "\x85", "\u2028", "\u2029")  # those that YAML knows, beside the usual one


@dataclass(frozen=True, slots=True)
class Edit:
    """What mends a finding, as a change of its file's text: from `column` up to `end` of a line stands `replacement`
    instead. Columns count characters from 1; `end` is the first that stays."""

    line: int
    column: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` says the fault in the editor's words, `help` how to mend it, `note` what else to know ("" when none).
    `edits` mend it, where a program can."""

    code: str
    what: str
    place: Place
    help: str
    note: str = ""
    is_warning: bool = False
    edits: tuple[Edit, ...] = ()


class Suggestion(str):
    """A help that knows what to write `instead` of the `wrong` words, which stand somewhere in the finding's place."""

    __slots__ = ("instead", "wrong")
    wrong: str
    instead: str

    def __new__(cls, help: str, wrong: str = "", instead: str = "") -> Suggestion:
        """The help, and the change it asks for."""
        made = super().__new__(cls, help)
        made.wrong, made.instead = wrong, instead
        return made


def nearest(word: str, known: Iterable[str], alike: float = 0.6) -> str | None:
    """The known word most like `word`, or None when nothing is so much `alike`, from 0 to 1."""
    return _nearest(word, tuple(known), alike)


@lru_cache(maxsize=512)  # where something was renamed, thousands of rules have the same wrong word
def _nearest(word: str, known: tuple[str, ...], alike: float) -> str | None:
    if len(known) > MANY:
        known = tuple(nlargest(MOST_COMPARED, _index_of(known).alike(word, alike), key=partial(_shared, _parts(word))))
    if len(word) > LONG:
        return next((other for other in known if 2 * _shared(_parts(word), other) >= alike), None)
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=alike)), None)


class _Index:
    """Known words by their parts, each as bits of the words that have it, so that thousands are looked at together."""

    def __init__(self, known: Sequence[str]) -> None:
        self._known = sorted(known, key=len)
        self._having: defaultdict[str, int] = defaultdict(int)
        for number, word in enumerate(self._known):
            for part in _parts(word):
                self._having[part] |= 1 << number

    def alike(self, word: str, alike: float) -> list[str]:
        """Those that have most parts in common with it, of those neither too short nor too long to be so much alike."""
        counts: list[int] = []  # the binary digits of how many each has, from the lowest
        for part in _parts(word):
            carry = self._having.get(part, 0)
            for place, digit in enumerate(counts):
                counts[place], carry = digit ^ carry, digit & carry
            if carry:
                counts.append(carry)
        shortest, longest = len(word) * alike / (2 - alike), len(word) * (2 - alike) / alike
        first, end = bisect_left(self._known, shortest, key=len), bisect_right(self._known, longest, key=len)
        most, left = 0, (1 << end) - (1 << first)
        for digit in reversed(counts):
            above = left & digit
            if (most | above).bit_count() <= MOST_MET:
                most, left = most | above, left & ~digit
            else:
                left = above
        return [self._known[number] for number in (*_numbers(most), *islice(_numbers(left), MOST_MET))]


def _numbers(bits: int) -> Iterator[int]:
    while bits:
        yield (bits & -bits).bit_length() - 1
        bits &= bits - 1


@lru_cache(maxsize=16)
def _index_of(known: tuple[str, ...]) -> _Index:
    return _Index(known)


def _shared(parts: frozenset[str], other: str) -> float:
    """The share of these parts and another word's that both have (Sorensen and Dice)."""
    others = _parts(other)
    return len(parts & others) / (len(parts) + len(others) or 1)


@lru_cache(maxsize=10_000)
def _parts(word: str) -> frozenset[str]:
    """The letters, and the pairs of those that stand side by side."""
    return frozenset([*word, *map("".join, pairwise(word))])


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Help that names the nearest known word, else all that are allowed, or the first six of many. A `Suggestion`,
    which a program may follow, only where the word is a slip of the pen: of names that are merely alike, people choose.
    """
    close = nearest(word, known)
    if close is not None:
        help = f'did you mean "{close}"?'
        if _to_the_eye(word) == _to_the_eye(close):
            help = f'type "{close}" anew: yours looks the same, but has an invisible or a differently made letter in it'
        is_certain = is_slip(word, close) and not close.endswith("...")  # dots stand for what only they know
        return Suggestion(help, word, close) if is_certain else help
    named = known if len(known) <= MOST_NAMED else known[:6]
    return "write one of: " + ", ".join(named) + (f" and {len(known) - 6} others" if named is not known else "")


def is_slip(word: str, meant: str) -> bool:
    """Whether one is the other mistyped: word for word nearly the same, with the same numbers. `trail-runers` is
    `Trail runners`; `Men` is not `Women`, `no VIP` not `VIP`, `HOTDOG-7` not `HOTDOG-8`."""
    ours, theirs = (_BLANKS.sub(" ", _to_the_eye(each).casefold()).split() for each in (word, meant))
    joined = "".join(ours), "".join(theirs)
    if joined[0] == joined[1]:
        return True
    if len(ours) != len(theirs):
        return _is_one_slip(*joined)
    return all(map(_is_mistyped, ours, theirs))


def _is_mistyped(word: str, meant: str) -> bool:
    """Whether a single word is another, or the other with a slip."""
    if word == meant or _is_one_slip(word, meant):
        return True
    is_like = word[0] == meant[0] and difflib.SequenceMatcher(None, word, meant).ratio() >= SLIP
    return is_like and min(len(word), len(meant)) > 3 and (word + meant).isalpha()


def _is_one_slip(word: str, meant: str) -> bool:
    """Whether letters are swapped, or a single one is missing, too many or another. Short words have no such slips but
    the first: NL and NO, men and man are others."""
    if not (word + meant).isalpha():
        return False
    if len(word) == len(meant):
        apart = [at for at, letter in enumerate(word) if letter != meant[at]]
        if len(apart) == 2:
            return apart[1] == apart[0] + 1 and sorted(word) == sorted(meant)
        return len(apart) == 1 and len(word) > 3
    short, long = sorted((word, meant), key=len)
    return (
        len(long) - len(short) == 1
        and len(long) > 3
        and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
    )


def _to_the_eye(word: str) -> str:
    """The word as people see it: without invisible letters, accents and blanks made in one way."""
    letters = unicodedata.normalize("NFKC", word)
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Cf")


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """By file, then as they stand in it."""
    return sorted(findings, key=lambda f: (f.place.file, f.place.line, f.place.column, f.code))


def many(count: int, noun: str) -> str:
    """As `1 rule`, `1,200 rules`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def rows_of(text: str) -> list[str]:
    """The lines of a text, without their ends, as YAML counts them."""
    for end in _LINE_ENDS:  # a regular expression takes four times as long
        text = text.replace(end, "\n")
    return text.split("\n")


def as_text(findings: Sequence[Finding], sources: Mapping[str, str]) -> str:
    """All findings as the command line prints them. `sources` maps a file's name to its text, for the excerpt."""
    if not findings:
        return ""
    return "\n\n".join([*_blocks(findings, sources), counted(findings)])


def mistakes_text(findings: Sequence[Finding], sources: Mapping[str, str]) -> str:
    """What stands in the way, for who asked something else: the mistakes without the warnings, those alike as one. One
    wrong word may stand in thousands of rules."""
    alike: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        if not finding.is_warning:
            alike.setdefault((finding.code, finding.what, finding.help), []).append(finding)
    firsts = [replace(same[0], note=_also_at(same)) for same in list(alike.values())[:MOST_TOLD]]
    more = " `tailorbird check` lists them all." if len(firsts) < len(findings) else ""
    return "\n\n".join([*_blocks(firsts, sources), counted(findings) + more])


def _also_at(alike: Sequence[Finding]) -> str:
    """The note of the first of them, and where the others are."""
    places = ", ".join(str(finding.place) for finding in alike[1 : MOST_PLACES + 1])
    left = len(alike) - 1 - MOST_PLACES
    also = f"the same at {places}" + (f" and {left:,} more" if left > 0 else "") if places else ""
    return "; ".join(filter(None, (alike[0].note, also)))


def _blocks(findings: Sequence[Finding], sources: Mapping[str, str]) -> list[str]:
    rows = {name: rows_of(sources.get(name, "")) for name in {finding.place.file for finding in findings}}
    return [_block(finding, rows[finding.place.file]) for finding in findings]


def counted(findings: Sequence[Finding]) -> str:
    """How many there are, as `2 problems found in 1 file.`"""
    files = {finding.place.file for finding in findings}
    warnings = sum(finding.is_warning for finding in findings)
    problems = many(len(findings) - warnings, "problem")
    where = many(len(files), "file")
    if not warnings:
        return f"{problems} found in {where}."
    if warnings < len(findings):
        return f"{problems} and {many(warnings, 'warning')} found in {where}."
    return f"{many(warnings, 'warning')} in {where}, no problems."


def _block(finding: Finding, rows: Sequence[str]) -> str:
    place = finding.place
    code = f"warning {finding.code}" if finding.is_warning else finding.code
    lines = [f"{place.file}:{place.line}:{place.column}: {code} {finding.what}"]
    gutter = " " * (len(str(place.line)) + 1)
    lines += _excerpt(place, rows, gutter)
    lines.append(f"{gutter}= help: {finding.help}")
    if finding.note:
        lines.append(f"{gutter}= note: {finding.note}")
    return "\n".join(lines)


def _cells(text: str) -> int:
    """How wide a terminal shows it: Chinese, Japanese, Korean and emoji take two cells, marks on a letter none."""
    if text.isascii():
        return len(text)
    unseen = ("Mn", "Me", "Cf")
    return sum(
        1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
        if unicodedata.category(letter) not in unseen
    )


def _excerpt(place: Place, rows: Sequence[str], gutter: str) -> list[str]:
    if not 1 <= place.line <= len(rows) or rows == [""]:
        return []
    row = rows[place.line - 1]
    begin, end = place.column - 1, place.end - 1
    marks = " " * _cells(row[:begin]) + "^" * max(1, _cells(row[begin:end].ljust(end - begin)))
    return [f"{gutter}|", f"{place.line} | {row}", f"{gutter}| {marks}"]
