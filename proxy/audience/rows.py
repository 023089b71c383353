"""A file of visitors as rows: CSV with a header, or JSON lines (an object a line), told apart by the first character.

Files come as spreadsheets and exports leave them: semicolons or tabs, a byte order mark, Windows-1252 among UTF-8,
lines cut in the middle. What can be read is; what cannot is refused by line number, and the rest goes on.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import msgspec

from proxy.conditions.vocabulary import PHRASES, PLACES
from proxy.diagnostics import did_you_mean
from proxy.errors import UNDECODABLE, OperatorError

MAX_LINE_BYTES = 64 * 1024
MAX_NAME = 64
MAX_COLUMNS = 500
MOST_LISTED = 8
DELIMITERS = ",;\t|"
SEPARATOR = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)
"""A first line by which spreadsheets tell one another what parts the cells."""

ID_NAMES = ("visitor id", "visitor", "id", "customer id")
SEGMENT_NAMES = ("segments", "segment")
SPELLINGS = {"e mail": "email", "e mail address": "email", "email address": "email"}
# Words that conditions answer from the request; a trait may be brought as well, and a city.
TAKEN = frozenset(phrase.key for phrase in PHRASES if not phrase.is_trait) - {*ID_NAMES, *SEGMENT_NAMES, *PLACES}


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was cleaned or refused, for the report. `column` "" is the whole row."""

    line: int
    column: str
    what: str
    is_refusal: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One visitor as written. `cells` go by attribute name; they are text from CSV, any JSON value from JSON lines."""

    line: int
    cells: dict[str, object] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @property
    def is_refused(self) -> bool:
        return any(note.is_refusal and not note.column for note in self.notes)


@dataclass(frozen=True, slots=True)
class Sheet:
    """How a kind of file is read: the columns that may hold the visitor id (JSON lines need none), the names that no
    column may have, whether runs of spaces may separate the columns of a table, columns that somebody named and so
    must be there, and how else the one with the visitor id may be named."""

    id_names: Collection[str] = ID_NAMES
    taken: Collection[str] = TAKEN
    has_spaces: bool = False
    named: Collection[str] = ()
    naming: str = ""


PROFILES = Sheet()


def read_rows(lines: Iterable[bytes], sheet: Sheet = PROFILES) -> Iterator[Row]:
    """Every row of a file, also those that are refused; a CSV's header comes as a row when there is something to
    say of it. Raises `OperatorError` when the file as a whole cannot be read."""
    source = Source(lines, sheet)
    first = next((text for text in source if text.strip()), "")
    if first.lstrip().startswith("["):
        raise OperatorError("the file holds one JSON array", help="write an object a line (JSON lines)")
    if not first:
        raise OperatorError("the file is empty", help="write a header and a row a visitor, or an object a line")
    texts, refused = chain([first], source), source.refused()
    if first.lstrip().startswith("{"):
        return chain((Row(note.line, notes=(note,)) for note in refused), _json_rows(texts, source))
    if refused:
        what = f"line {refused[0].line} {refused[0].what}, and names the columns or stands before those names"
        raise OperatorError(what, help="write a header and a row a visitor, each on a line of its own")
    return _csv_rows(texts, source)


def attribute_name(column: str) -> str:
    """A column's name as rule files write it: `first_name`, `First-Name` and `firstName` are all `first name`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", unicodedata.normalize("NFKC", column))
    name = " ".join(re.sub(r"[\W_]+", " ", spaced).split()).lower()
    return SPELLINGS.get(name, name)


class Source:
    """The lines of a file as text, counted. `notes` gathers what had to be done to them; `taken` empties it."""

    def __init__(self, lines: Iterable[bytes], sheet: Sheet) -> None:
        self._lines = iter(lines)
        self.sheet = sheet
        self._notes: list[Note] = []
        self.line = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw = next(self._lines)
        self.line += 1
        if self.line == 1 and raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise OperatorError("the file is in UTF-16", help="save it as UTF-8")
        if self.line == 1 and raw.startswith(b"PK\x03\x04"):
            raise OperatorError("the file is a workbook or an archive", help="save the sheet as CSV, best as CSV UTF-8")
        if self.line == 1 and b"\r" in raw.rstrip(b"\r\n"):
            raise OperatorError("the file's lines end as on old Macs", help="save the sheet as CSV UTF-8")
        if len(raw) > MAX_LINE_BYTES:
            self.note(f"is longer than {MAX_LINE_BYTES // 1024} KiB", is_refusal=True)
            return "\n"
        try:
            return raw.decode("utf-8-sig" if self.line == 1 else "utf-8")
        except UnicodeDecodeError:
            self.note("is not UTF-8, read as Windows-1252")
            return raw.decode("cp1252", "replace")

    def note(self, what: str, *, column: str = "", is_refusal: bool = False) -> None:
        self._notes.append(Note(self.line, column, what, is_refusal))

    def taken(self) -> tuple[Note, ...]:
        """What was noted since the last call."""
        notes, self._notes = tuple(self._notes), []
        return notes

    def refused(self) -> tuple[Note, ...]:
        """What was refused since the last call of `taken`, which leaves it out then."""
        notes = self.taken()
        self._notes = [note for note in notes if not note.is_refusal]
        return tuple(note for note in notes if note.is_refusal)


class Columns:
    """Gives columns their attribute names, and says once why one is left out."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._names: dict[str, str] = {}

    def name(self, column: str) -> str:
        """The attribute name, "" when the column is left out."""
        if column in self._names:
            return self._names[column]
        name = attribute_name(column)
        problem = self._problem(name)
        if problem:
            self._source.note(f"left out: {problem}", column=column.strip()[:MAX_NAME])
            name = ""
        if len(self._names) < MAX_COLUMNS:
            self._names[column] = name
        return name

    def _problem(self, name: str) -> str:
        if not name:
            return "the column has no name"
        if len(name) > MAX_NAME:
            return f"the column's name is longer than {MAX_NAME} letters"
        if name in self._source.sheet.taken:
            return f"in rules `{name}` is what the request says; rename the column, as `home {name}`"
        return f"there are more than {MAX_COLUMNS} columns" if len(self._names) >= MAX_COLUMNS else ""

    def note_double(self, name: str) -> None:
        self._source.note("left out: another column has the same name", column=name)


# -- CSV


def _csv_rows(texts: Iterable[str], source: Source) -> Iterator[Row]:
    texts = iter(texts)
    header = next(texts)
    if declared := SEPARATOR.fullmatch(header.strip()):
        header = next(texts, "")
    delimiter = declared[1] if declared else max(DELIMITERS, key=header.count)
    if source.sheet.has_spaces and delimiter not in header:
        delimiter, header, texts = " ", header.strip(), (text.strip() for text in texts)
    read = partial(csv.reader, delimiter=delimiter, skipinitialspace=delimiter == " ")
    try:
        names = _header(next(read([header]), []), Columns(source))
    except csv.Error as error:
        what = f"line {source.line}, with the names of the columns, cannot be read: {_in_words(error)}"
        raise OperatorError(what, help="write the header anew, on a line of its own") from error
    if missing := next((name for name in source.sheet.named if name not in names), ""):
        raise OperatorError(f"no column is called `{missing}`", help=did_you_mean(missing, [*filter(None, names)]))
    if not set(names) & set(source.sheet.id_names):
        help = f"call it `visitor id`, `id` or `customer id`{source.sheet.naming}; {_listed(names)}"
        raise OperatorError("no column holds the visitor id", help=help)
    return _csv_body(names, read(texts, strict=True), source)


def _listed(names: list[str]) -> str:
    """The columns there are."""
    there = [f"`{name}`" for name in names if name]
    return f"there are {', '.join(there[:MOST_LISTED])}{' and more' * (len(there) > MOST_LISTED)}"


def _header(cells: list[str], columns: Columns) -> list[str]:
    names: list[str] = []
    for name in map(columns.name, cells):
        if name and name in names:
            columns.note_double(name)
        names.append("" if name in names else name)
    return names


def _csv_body(names: list[str], reader: Iterator[list[str]], source: Source) -> Iterator[Row]:
    if notes := source.taken():
        yield Row(source.line, notes=notes)
    while True:
        before = source.line
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            cells = []
            source.note(f"{_where(before, source)}{_in_words(error)}", is_refusal=True)
        if any(cells) and len(cells) != len(names):
            source.note(f"{_where(before, source)}{len(cells)} values for {len(names)} columns", is_refusal=True)
        row = Row(before + 1, _named(names, cells), source.taken())
        if row.cells or row.notes:
            yield row


def _named(names: list[str], cells: list[str]) -> dict[str, object]:
    return {name: cell for name, cell in zip(names, cells, strict=False) if name and cell}


def _where(before: int, source: Source) -> str:
    return f"lines {before + 1} to {source.line} were read as one row: " if source.line > before + 1 else ""


def _in_words(error: csv.Error) -> str:
    text = str(error)
    if "end of data" in text or "larger than field limit" in text:
        return "a quotation mark is not closed"
    if "new-line character" in text:
        return "a line end stands inside a value"
    return "a quotation mark stands inside a value" if "expected after" in text else text


# -- JSON lines


def _json_rows(texts: Iterable[str], source: Source) -> Iterator[Row]:
    columns = Columns(source)
    for text in texts:
        cells = _json_cells(text, columns, source) if text.strip() else {}
        row = Row(source.line, cells, source.taken())
        if row.cells or row.notes:
            yield row


def _json_cells(text: str, columns: Columns, source: Source) -> dict[str, object]:
    try:
        found = msgspec.json.decode(text)
    except UNDECODABLE as error:
        source.note(f"is no JSON: {error}", is_refusal=True)
        return {}
    if not isinstance(found, dict):
        source.note("is no JSON object", is_refusal=True)
        return {}
    cells: dict[str, object] = {}
    for key, value in found.items():
        name = columns.name(key)
        if name in cells:
            columns.note_double(name)
        elif name and value is not None:
            cells[name] = value
    return cells
