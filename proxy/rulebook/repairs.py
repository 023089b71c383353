"""Repairs a file that is not valid YAML. Common repairs are tried where libyaml stopped; the first with which the
parser gets further is offered, so a repair never makes a file worse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise

import yaml

from proxy.conditions.nodes import Entry, Scalar
from proxy.diagnostics import Edit, Finding, rows_of
from proxy.model import Place
from proxy.rulebook.mending import in_quotes, readable, spliced
from proxy.rulebook.words import KNOWN, NESTING

Edits = tuple[Edit, ...]
MAX_TRIED = 60
MAX_COLONS = 20
MAX_READ = 2_000_000  # characters read in all tries together, about a second

_WIDE = "\u00a0\u2002\u2003\u2007\u202f\u3000"
# Each goes over a row once (`++` gives nothing back): 16,000 blanks in a row held up a whole worker for 11 s.
_WIDE_SPACE = re.compile(rf"([\s{_WIDE}-]*?[{_WIDE}][\s{_WIDE}]*)|(?:\s*+(?:- ++)*+[\w ]++:)([{_WIDE}][\s{_WIDE}]*)")
_VALUE = re.compile(r"\s*+(?:- ++)*+[^\s:#'\"][^:#'\"]*+: ++(\S(?:.*\S)?)\s*")
_ITEM = re.compile(r"\s*+(?:- ++)++([^\s#-](?:.*\S)?)\s*")
_NO_SPACE = re.compile(r"(\s*+(?:- ++)*+[\w ]++:)([^\s:].*)")
_NO_COLON = re.compile(rf"(\s*+(?:- ++)*+(?:{'|'.join(map(re.escape, KNOWN))})) ++((?:[^:]|(?<=\d):(?=\d))+)")
_BARE = re.compile(r"(\s*+(?:- ++)*+[\w.-]++(?: [\w.-]++)*+)\s*")
_WITH_VALUE = re.compile(r"\s*+[\w. -]++: ++[^\s|>].*")
_EQUALS = re.compile(r"\s*+(?:- ++)*+[\w.-]++(?: [\w.-]++)*+(\s*+=>?\s*+)(?=\S)")
_BEHIND_A_LIST = re.compile(r".*[\]}](\s*+[,;]++\s*+)")
_ENTRY = re.compile(r"\s*+(?:- |[^\s#].*:(?:\s|$))")
_DASH = re.compile(r"(\s*+)-([^\s-].*)")
NESTED = re.compile(r"(\s*+(?:- ++)*+)([\w ]++:) ++([\w ]++:.*)")
_WITH_FIELD = re.compile(
    r"(?<=[\w ]: )([^\s\"'{},\[\]][^\"'{},\[\]]{0,300}\{[^{}]{0,300}\}[^\"'{},\[\]]*|\{[\w |]+\}[^\"'{},\[\]]*)(?=[,}])"
)
_PART_IN_BRACES = re.compile(r"(?<=[{,])[^{}\[\],\"']++(?=[,}])")
_READ = ("name", "title", "text", "button", "alt", "link", "image")
"""Words behind which a text stands, and no `word: value`."""
_FIELD = re.compile(r"\{[^{}]*\}")
_OTHER_DASH = re.compile(r"\s*+([–—•·*])(?=[\s])")
_OTHER_COLON = re.compile(r"\s*+(?:- ++)*+[\w ]++(：\s*+)")
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
_BRACED = re.compile(
    r"\{\s*+[\w ]++: .*|\[.*\][\s,;'\"]*+"
)  # a part written in braces, which is no text that lacks quotes
_NEXT_IN_BRACES = re.compile(r",\s*+[\w ]++: |\}")

_STRAY_END = re.compile(r"\s*+(?:- ++)*+[^:]++: ++[^\[{\"']*([\]}\"'])\s*")


def repair(text: str, line: int, opening: int | None) -> Edits:
    """The edits with which the parser gets past `line` (from 0), where it stopped; () when there are none. `opening` is
    the line of the quote or bracket that is not closed."""
    rows = rows_of(text)
    tries = islice(_repairs(rows, line, opening), min(MAX_TRIED, MAX_READ // (len(text) + 1)))
    return next((edits for edits in tries if _reads_past(line, spliced(text, edits))), ())


def second_colon(name: str, row: str, line: int) -> Finding | None:
    """Y001 for a part within braces that has two colons, as in `{title: Sale: now}`, in a line from 0."""
    for edit in _second_colons(line, row):
        place = Place(name, edit.line, edit.column, edit.end)
        return Finding("Y001", "there is a second colon in this", place, f"write: {edit.replacement}")
    return None


def _second_colons(line: int, row: str) -> Edits:
    """Texts within braces that have a colon, in quotes; `word: value` behind another word in braces of its own."""
    edits = []
    for found in _PART_IN_BRACES.finditer(row):
        word, _, text = found[0].partition(": ")
        if ": " in text:
            start, text = found.start() + len(found[0]) - len(text.lstrip()) + 1, text.strip()
            instead = in_quotes(text) if word.strip() in _READ else f"{{{text}}}"
            edits.append(Edit(line + 1, start, start + len(text), instead))
        if len(edits) == MAX_COLONS:
            break
    return tuple(edits)


def ordinary_spaces(text: str) -> Edits:
    """The edits that replace a word processor's spaces at the beginning of lines and values by ordinary ones; to YAML
    they are letters."""
    rows = ((number, _WIDE_SPACE.match(row)) for number, row in enumerate(rows_of(text), 1))
    spans = [(number, found, 1 if found[1] else 2) for number, found in rows if found]
    return tuple(
        Edit(number, found.start(group) + 1, found.end(group) + 1, _ordinary(found[group]))
        for number, found, group in spans
    )


def written(text: str, *, is_read: bool) -> str:
    """A value as it is meant: a word processor's spaces are ordinary ones, but in what `is_read` by visitors only in
    its fields, as `{first name|Hello}`: around a French exclamation mark they have a meaning."""
    if text.isascii():
        return text
    return _FIELD.sub(lambda found: _ordinary(found[0]), text) if is_read else _ordinary(text).strip()


def _ordinary(text: str) -> str:
    return re.sub(f"[{_WIDE}]", " ", text)


def begins_another(key: Scalar, entries: Mapping[str, Entry], rows: Sequence[str]) -> Scalar | None:
    """The key, if it is the first of a list's part again: most likely the dash of the next part is missing."""
    first = next(iter(entries.values())).key
    place = first.place
    is_part = rows[place.line - 1][: place.column - 1].strip() == "-" and key.place.column == place.column
    return key if key.text == first.text and is_part and len(entries) > 2 else None


def twice(second: Entry, first: Entry, begins: Scalar | None) -> Finding:
    """R102 for a duplicate key. One that says the same can be deleted, unless the part of a list `begins` there, or
    further up, whose dash is missing."""
    key, value, at = second.key, second.value, first.value
    help, edits = "keep one of them", Edits()
    if begins is not None:
        help = f"where another one begins, write a dash: - {begins.text}:"
        place = begins.place
        edits = (Edit(place.line, place.column - 2, place.column, "- "),) if begins is key else ()
    elif isinstance(value, Scalar) and isinstance(at, Scalar) and value.text == at.text:
        is_on_one_line = key.place.line == value.place.line and value.place.end > value.place.column
        edits = (Edit(key.place.line, key.place.column, value.place.end, ""),) if is_on_one_line else ()
    note = f"the first one is on line {first.key.place.line}"
    return Finding("R102", f'"{key.text}" stands here twice', key.place, help, note, edits=edits)


def _reads_past(line: int, text: str) -> bool:
    """Whether the parser gets past a line."""
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if event.start_mark is not None and event.start_mark.line > line + 1:
                return True
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        opening = getattr(error, "context_mark", None)
        if opening is not None and "end of stream" in str(getattr(error, "problem", "")):
            mark = opening
        return mark is not None and mark.line > line
    return True


def _repairs(rows: Sequence[str], line: int, opening: int | None) -> Iterator[Edits]:
    """Repairs to try, the likeliest first."""
    if any(_is_tabbed(row) for row in rows):
        for width in sorted((2, 4, 8), key=lambda width: not _keeps_depth(rows, width)):
            yield tuple(_untabbed(number, row, width) for number, row in enumerate(rows) if _is_tabbed(row))
    near = [number for number in (opening, line, line - 1) if number is not None and 0 <= number < len(rows)]
    near = list(dict.fromkeys(near))
    for number in near:
        yield from _fields_in_quotes(number, rows[number])
        if edits := _second_colons(number, rows[number]):
            yield edits
    for number in near:
        yield from _closings(number, rows[number])
    for number in near:
        yield from _rewritten(number, rows[number], rows[number + 1] if number + 1 < len(rows) else "")
    yield from _moved(rows, line)
    yield from _moved(rows, line - 1)


def _is_tabbed(row: str) -> bool:
    return "\t" in row[: _blank(row)]


def _keeps_depth(rows: Sequence[str], width: int) -> bool:
    """Whether a line with more tabs than the line above is still indented further, as its author saw it."""
    depths = [
        (row[: _blank(row)].count("\t"), len(row[: _blank(row)].replace("\t", " " * width)))
        for row in rows
        if row.strip()
    ]
    return all(below[1] > above[1] for above, below in pairwise(depths) if below[0] > above[0])


def _blank(row: str) -> int:
    return len(row) - len(row.lstrip())


def _untabbed(number: int, row: str, width: int) -> Edit:
    indent = row[: _blank(row)]
    return Edit(number + 1, 1, len(indent) + 1, indent.replace("\t", " " * width))


def _fields_in_quotes(number: int, row: str) -> Iterator[Edits]:
    """Texts within braces that have a field, as in `{title: Hi {first name}}`, in quotes."""
    found = [(text, text.start(1)) for text in _WITH_FIELD.finditer(row)]
    if found:
        yield tuple(_in_quotes(number, text[1], start) for text, start in found)


def _closings(number: int, row: str) -> Iterator[Edits]:
    """A quote or bracket closed at the end of its text, or removed if it closes nothing; apostrophes written twice."""
    if row.count("'") % 2 and '"' not in row and "{" in row and (inner := [*_APOSTROPHE.finditer(row)]):
        yield tuple(Edit(number + 1, each.start() + 1, each.end() + 1, "''") for each in inner)
    end = len(row.rstrip()) + 1
    if found := _BEHIND_A_LIST.fullmatch(row):
        yield (Edit(number + 1, found.start(1) + 1, found.end(1) + 1, ""),)
    for closing in ('"', "'", "]", "}"):
        opening = {"]": "[", "}": "{"}.get(closing, closing)
        is_odd = row.count(opening) % 2 if opening == closing else row.count(opening) > row.count(closing)
        last = row.rfind(opening)
        if is_odd and opening == closing and row.count("[", 0, last) > row.count("]", 0, last):
            yield (Edit(number + 1, last + 1, last + 2, ""),)
        if is_odd and opening == closing and row.count("{", 0, last) > row.count("}", 0, last):
            if found := _NEXT_IN_BRACES.search(row, last):  # at the end of the line it would swallow what follows
                yield (Edit(number + 1, found.start() + 1, found.start() + 1, closing),)
        elif is_odd:
            if row.rstrip().endswith(","):
                yield (Edit(number + 1, end - 1, end, closing),)
            yield (Edit(number + 1, end, end, closing),)
    stray = _STRAY_END.fullmatch(row)
    if stray:
        yield (Edit(number + 1, stray.start(1) + 1, stray.end(1) + 1, ""),)


def _rewritten(number: int, row: str, below: str) -> Iterator[Edits]:
    """A line with its text in quotes, or with a missing dash, space or colon added."""
    if (found := _BARE.fullmatch(row)) and _indent(below) > _indent(row):
        yield (Edit(number + 1, found.end(1) + 1, found.end(1) + 1, ":"),)
    for sign, form in (("-", _OTHER_DASH), (": ", _OTHER_COLON)):
        if found := form.match(row):
            yield (Edit(number + 1, found.start(1) + 1, found.end(1) + 1, sign),)
    nested = NESTED.fullmatch(row)
    if nested and nested[2][:-1] in NESTING and _is_one_line(nested[3]):
        below = "\n" + " " * (len(nested[1]) + 2)
        yield (Edit(number + 1, nested.end(2) + 1, nested.start(3) + 1, below),)
    if found := _EQUALS.match(row):
        yield (Edit(number + 1, found.start(1) + 1, found.end(1) + 1, ": "),)
    for form in (_VALUE, _ITEM):
        if (found := form.fullmatch(row)) and not _BRACED.fullmatch(found[1]):
            yield (_in_quotes(number, found[1], found.start(1)),)
    if found := _NO_SPACE.fullmatch(row):
        yield (Edit(number + 1, found.end(1) + 1, found.end(1) + 1, " "),)
    if found := _NO_COLON.fullmatch(row):
        yield (Edit(number + 1, found.end(1) + 1, found.end(1) + 1, ":"),)
    if found := _DASH.fullmatch(row):
        yield (Edit(number + 1, found.end(1) + 2, found.end(1) + 2, " "),)


def _is_one_line(text: str) -> bool:
    """Whether this is one `word: value`, whose brackets are closed."""
    value = text.partition(": ")[2]
    is_whole = text.count("[") == text.count("]") and text.count("{") == text.count("}")
    return is_whole and (value[:1] in "[{" or ": " not in value)


def _in_quotes(number: int, text: str, start: int) -> Edit:
    return Edit(number + 1, start + 1, start + len(text) + 1, readable(text))


def _moved(rows: Sequence[str], line: int) -> Iterator[Edits]:
    """A line, alone or with its indented block, moved to a column where an earlier line begins."""
    if not 0 <= line < len(rows) or not _ENTRY.match(rows[line]):  # others would go on with the text above
        return
    here = _indent(rows[line])
    block = [line]
    for number in range(line + 1, len(rows)):
        if rows[number].strip() and _indent(rows[number]) <= here:
            break
        block += [number] if rows[number].strip() else []
    columns = dict.fromkeys(column for row in reversed(rows[:line]) if row.strip() for column in _columns(row))
    for column in sorted(columns, key=lambda column: abs(column - here))[:6]:
        alone = [line]
        for lines in (alone, block) if _WITH_VALUE.fullmatch(rows[line]) else (block, alone):
            if column != here and (column or _is_known(rows[line])):
                yield tuple(_shifted(number, rows[number], column - here) for number in lines)


def _is_known(row: str) -> bool:
    """Whether a line may begin in the first column: with a word of ours, and no name."""
    return row.strip().partition(":")[0] in KNOWN or row.lstrip()[:1] in "-#"


def _columns(row: str) -> Iterator[int]:
    """The columns where a line begins, and where the content after its dashes does."""
    indent = _indent(row)
    yield indent
    while row[indent : indent + 2] == "- ":
        indent += 2 + _indent(row[indent + 2 :])
        yield indent


def _shifted(number: int, row: str, by: int) -> Edit:
    return Edit(number + 1, 1, _indent(row) + 1, " " * max(0, _indent(row) + by))


def _indent(row: str) -> int:
    return len(row) - len(row.lstrip(" "))
