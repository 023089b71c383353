"""Parses a YAML file into nodes with their places.

Only YAML's layout is used. No type is guessed (a scalar is its text), and YAML's dangerous features are refused with a
place: anchors and aliases (270 bytes of them can expand to 200 MB), tags, duplicate keys, several documents, too much
size or depth. It reads libyaml's events rather than composed nodes, because only events still show an anchor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec
import yaml

from proxy.conditions.nodes import Entry, ListNode, MapNode, Node, Scalar
from proxy.diagnostics import Edit, Finding, rows_of
from proxy.model import Place
from proxy.rulebook.mending import in_quotes, readable
from proxy.rulebook.repairs import NESTED, begins_another, ordinary_spaces, repair, second_colon, twice, written
from proxy.rulebook.words import NESTING

RULE_FILES = (".rules.yaml", ".rules.json")  # the endings of any number of files
SLOT_FILE = "slots.yaml"
ATTRIBUTE_FILE = "attributes.yaml"
CACHE_FILE = "cache.yaml"
CATALOGUE_FILE = "products.jsonl"
ORDER_FILE, VISIT_FILE = "orders.csv", "visits.csv"
DATA_FILES = (CATALOGUE_FILE, ORDER_FILE, VISIT_FILE)
"""What lies in the folder and no editor wrote."""

MAX_FILE_BYTES = 1024 * 1024
MAX_DEPTH = 20

MAGIC = ("*", "&", "!")
QUOTE_HELP = "put quotes around the text"
READ_BY_VISITORS = ("title", "text", "button", "alt", "says")
TEXT_WORDS = ("name", *READ_BY_VISITORS)
"""Words whose value somebody reads."""

_OF_SIGNS = {
    "'": ("this apostrophe ends the text", "write it twice, or put the text between double quotes"),
    **dict.fromkeys(("：", "=", "=>"), ("this is another sign than a colon", "write `word: value`")),
    **{sign: (f'a part of a list does not begin with "{sign}"', "write a dash and a space") for sign in "–—•·*"},
}
"""What to say of signs that others should stand for."""

UNCLOSED = ("this quote is never closed", "close it with the same quote at the end of the text")
NO_PLACE = ("this sign has no place here", "take it out")
_CUT = re.compile(r" #[^\s#].*")
_VALUE = re.compile(r"\s*+(?:- ++)*+[^:#]++: ++(.*\S)\s*")


def text_of(name: str, raw: bytes, findings: list[Finding]) -> str | None:
    """The file's text without a byte-order mark; None, with a finding, when it is too large or not UTF-8."""
    if len(raw) > MAX_FILE_BYTES:
        help = "split it into several files"
        findings.append(Finding("Y003", "this file is larger than 1 MiB", start_of(name), help))
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        what = "this file is not saved as UTF-8 text"
        findings.append(Finding("Y004", what, _place_at(name, before), "save it with the encoding UTF-8"))
        return None


def read_yaml(name: str, text: str, findings: list[Finding]) -> Node | None:
    """The file's root node, an empty `MapNode` for an empty file; None, with a finding, when it cannot be parsed."""
    if edits := ordinary_spaces(text):
        first = Place(name, edits[0].line, edits[0].column, edits[0].end)
        what = "this is a no-break space, as word processors write it"
        findings.append(Finding("Y001", what, first, "write an ordinary space", edits=edits))
        return None
    try:
        return _Reader(name, text, findings).root() or MapNode((), start_of(name))
    except yaml.YAMLError as error:
        findings.append(_slip(name, text, error))
    except _TooDeepError as error:
        help = "bring some of it to a level further up"
        findings.append(Finding("Y003", f"this is more than {MAX_DEPTH} levels deep", error.place, help))
    return None


def start_of(name: str) -> Place:
    """The place for findings about a whole file."""
    return Place(name, 1, 1, 2)


class _TooDeepError(Exception):
    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


class _Reader:
    """Builds nodes from events; collects findings that do not stop the parser."""

    def __init__(self, name: str, text: str, findings: list[Finding]) -> None:
        self._name = name
        self._events: Iterator[yaml.Event] = iter(yaml.CSafeLoader(text).get_event, None)
        self._findings = findings
        self._rows = rows_of(text)

    def root(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                self._note("Y002", '"---" begins a second document', event, "keep one document in a file")
            elif isinstance(event, yaml.NodeEvent):
                node = self._node(event, 0)
                root = root or node
        return None if isinstance(root, Scalar) and not root.text else root

    def _node(self, event: yaml.Event, depth: int, *, is_read: bool = False) -> Node:
        """A node; `is_read`: visitors read its text."""
        if depth > MAX_DEPTH:
            raise _TooDeepError(self._place(event))
        if isinstance(event, yaml.ScalarEvent) and not (event.anchor or event.tag):  # as most are
            if is_read or not event.style:  # between quotes stands what is meant
                return Scalar(written(event.value, is_read=is_read), self._place(event))
            return Scalar(event.value, self._place(event))
        self._refuse_magic(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(event, depth, is_read)
        if isinstance(event, yaml.MappingStartEvent):
            return self._map(event, depth)
        text = event.value if isinstance(event, yaml.ScalarEvent) else ""
        return Scalar(text, self._place(event))

    def _list(self, start: yaml.Event, depth: int, is_read: bool) -> ListNode:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1, is_read=is_read))
        place = self._place(start)
        end = event.end_mark
        if items and end is not None and end.line + 1 == place.line:  # in brackets, on one line
            place = msgspec.structs.replace(place, end=end.column + 1)
        return ListNode(tuple(items), place)

    def _map(self, start: yaml.Event, depth: int) -> MapNode:
        entries: dict[str, Entry] = {}
        begins: Scalar | None = None
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            is_read = isinstance(key, Scalar) and key.text in READ_BY_VISITORS
            value = self._node(next(self._events), depth + 1, is_read=is_read)
            if not isinstance(key, Scalar):
                self._note("Y001", "a word should stand before the colon", event, QUOTE_HELP)
            elif key.text in entries:
                begins = begins or begins_another(key, entries, self._rows)
                self._findings.append(twice(Entry(key, value), entries[key.text], begins))
            else:
                entries[key.text] = Entry(key, value)
                self._note_cut(entries[key.text])
        first = next(iter(entries.values()), None)
        if first is None:
            return MapNode((), self._place(start))
        return MapNode(tuple(entries.values()), first.key.place, bool(getattr(start, "flow_style", False)))

    def _refuse_magic(self, event: yaml.Event) -> None:
        name = getattr(event, "anchor", None)
        if isinstance(event, yaml.AliasEvent):
            self._note("Y002", f'"*{name}" would repeat another part of the file', event, QUOTE_HELP)
        elif name:
            self._note("Y002", f'"&{name}" would name a part of the file', event, QUOTE_HELP)
        if tag := getattr(event, "tag", None):
            said = tag.replace("tag:yaml.org,2002:", "!!")
            self._note("Y002", f'"{said}" would give this a type', event, QUOTE_HELP)

    def _note(self, code: str, what: str, event: yaml.Event, help: str) -> None:
        place = self._place(event)
        row = self._rows[place.line - 1] if help == QUOTE_HELP else ""
        text = row[place.column - 1 :].rstrip()
        edits = (
            (Edit(place.line, place.column, place.column + len(text), in_quotes(text)),) if text[:1] in MAGIC else ()
        )
        self._findings.append(Finding(code, what, place, help, edits=edits))

    def _note_cut(self, entry: Entry) -> None:
        """L14 for a text whose end became a comment by a `#`."""
        value = entry.value
        if entry.key.text not in TEXT_WORDS or not isinstance(value, Scalar):
            return
        row = self._rows[value.place.line - 1]
        cut = _CUT.match(row, (value.place.end if value.text else value.place.column) - 1)
        if cut and row[value.place.column - 1] not in "'\"":
            text = row[value.place.column - 1 :].strip()
            what = f'this text ends at the "#": the rest is a comment, and nobody sees "{cut[0].strip()}"'
            help = f"if they should, {QUOTE_HELP}: {in_quotes(text)}"
            begin, end = row.index(text, value.place.column - 1) + 1, len(row.rstrip()) + 1
            edits = () if value.text else (Edit(value.place.line, begin, end, in_quotes(text)),)
            self._findings.append(Finding("L14", what, value.place, help, is_warning=True, edits=edits))

    def _place(self, event: yaml.Event) -> Place:
        """The start of the event; if it is on one line also its end."""
        start, end = event.start_mark, event.end_mark
        assert start is not None and end is not None, "libyaml marks every event"
        last = end.column if end.line == start.line and end.column > start.column else start.column + 1
        return Place(self._name, start.line + 1, start.column + 1, last + 1)


def _slip(name: str, text: str, error: yaml.YAMLError) -> Finding:
    """The finding for a syntax error in an editor's words, with the edits that mend it if there are any."""
    finding = _yaml_finding(name, text, error)
    if isinstance(error, yaml.reader.ReaderError):
        return replace(finding, edits=(Edit(finding.place.line, finding.place.column, finding.place.end, ""),))
    mark, opening = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if mark is None:
        return finding
    opened = opening.line if opening is not None else None
    edits = repair(text, finding.place.line - 1, opened)
    if not edits and opening is not None and "expected ':'" in str(getattr(error, "problem", "")):
        return replace(finding, place=Place(name, opening.line + 1, opening.column + 1, opening.column + 2))
    return replace(_at_the_edit(finding, edits, text), edits=edits)


def _at_the_edit(finding: Finding, edits: Sequence[Edit], text: str) -> Finding:
    """The finding for a missing or wrong sign, at its place rather than where the parser stopped."""
    if not edits:
        return finding
    edit = edits[0]
    row = rows_of(text)[edit.line - 1]
    told = (
        _missing(edit, row)
        if edit.column == edit.end
        else NO_PLACE
        if not edit.replacement
        else _OF_SIGNS.get(row[edit.column - 1 : edit.end - 1].strip())
    )
    if not told or (len(edits) > 1 and edit.replacement != "''"):
        return finding
    column = edit.column
    if edit.column == edit.end and edit.replacement in ("'", '"'):
        column = row.rfind(edit.replacement, 0, edit.column - 1) + 1
    end = column + max(1, edit.end - edit.column)
    return replace(finding, what=told[0], help=told[1], place=Place(finding.place.file, edit.line, column, end))


def _missing(edit: Edit, row: str) -> tuple[str, str] | None:
    """The message and the help for a sign that is missing; None for any other edit."""
    if edit.replacement == ":":
        return "a colon is missing here", "write `word: value`"
    if edit.replacement == " " and row[edit.column - 2 : edit.column - 1] in (":", "-"):
        return "a space is missing here", "put one behind the colon, and behind the dash"
    if edit.replacement in ("'", '"') and edit.replacement in row:
        return UNCLOSED
    return None


def _yaml_finding(name: str, text: str, error: yaml.YAMLError) -> Finding:
    """libyaml names tokens; editors meet seven slips."""
    if isinstance(error, yaml.reader.ReaderError):
        before = text.encode()[: error.position].decode("utf-8", "ignore")  # libyaml counts bytes
        return Finding("Y004", "an invisible control character stands here", _place_at(name, before), "delete it")
    problem = str(getattr(error, "problem", ""))
    mark = getattr(error, "problem_mark", None)
    opening = getattr(error, "context_mark", None)
    if mark is None:
        return Finding("Y001", "I cannot read this file", start_of(name), "save it as plain text")
    rows = rows_of(text)
    if opening and "unexpected end of stream" in problem:
        return _slip_at(name, opening, *UNCLOSED)
    if opening and "expected ','" in problem:
        colons = second_colon(name, rows[opening.line], opening.line) if mark.line == opening.line else None
        help = f'close it with "{problem[-2]}", or {QUOTE_HELP}'
        return colons or _slip_at(name, opening, "this bracket is never closed", help)
    what, help = _words_for(problem, rows[mark.line] if mark.line < len(rows) else "", mark.column)
    return _slip_at(name, mark, what, help)


def _words_for(problem: str, row: str, column: int) -> tuple[str, str]:
    value = _VALUE.fullmatch(row)
    if "\t" in row[: column + 1] and not row[:column].strip():
        return "this line is indented with a tab", "use spaces"
    nested = NESTED.fullmatch(row)
    if nested and nested[2][:-1] in NESTING:
        return "I cannot read on from here", f"put this on a line of its own below, two spaces further in: {nested[3]}"
    if value and column >= value.start(1):
        instead = readable(value[1])
        is_quoted = instead[:1] in ("'", '"')
        return "I cannot read on from here", f"{QUOTE_HELP}: {instead}" if is_quoted else f"write: {instead}"
    if "cannot start any token" in problem:
        return f'a text cannot begin with "{row[column : column + 1]}"', QUOTE_HELP
    if "expected" in problem or "not allowed" in problem:
        help = "begin it in the same column as its neighbours, and put a space after every colon and dash"
        return "this line does not fit the lines above it", help
    return "I cannot read on from here", QUOTE_HELP


def _slip_at(name: str, mark: yaml.Mark, what: str, help: str) -> Finding:
    return Finding("Y001", what, Place(name, mark.line + 1, mark.column + 1, mark.column + 2), help)


def _place_at(name: str, before: str) -> Place:
    """The place right behind the text `before`."""
    rows = rows_of(before)
    return Place(name, len(rows), len(rows[-1]) + 1, len(rows[-1]) + 2)
