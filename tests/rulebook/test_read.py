"""From bytes to nodes: text stays text, traps are refused, and slips are told in an editor's words."""

from __future__ import annotations

import pytest

from proxy.conditions.nodes import ListNode, MapNode, Node, Scalar
from proxy.diagnostics import Finding
from proxy.rulebook.mending import spliced
from proxy.rulebook.read import MAX_FILE_BYTES, read_yaml, text_of


def read(raw: bytes) -> tuple[Node | None, list[Finding]]:
    findings: list[Finding] = []
    text = text_of("a.rules.yaml", raw, findings)
    return None if text is None else read_yaml("a.rules.yaml", text, findings), findings


def value_of(raw: bytes) -> Node:
    """The value of the only word."""
    root, findings = read(raw)
    assert isinstance(root, MapNode) and not findings
    return root.entries[0].value


@pytest.mark.parametrize("text", ["NO", "on", "yes", "08:30", "2026-11-27", "1_000", "010", "0x1F", "1e3", "~", "null"])
def test_every_scalar_is_its_text(text: str) -> None:
    value = value_of(f"x: {text}".encode())
    assert isinstance(value, Scalar) and value.text == text


def test_lists_keep_their_items_text_too() -> None:
    value = value_of(b"country: [NL, BE, NO]")
    assert isinstance(value, ListNode)
    assert [item.text for item in value.items if isinstance(item, Scalar)] == ["NL", "BE", "NO"]


def test_a_place_counts_lines_and_characters_from_one() -> None:
    value = value_of("# café\r\ncafé: crème\r\n".encode())
    assert (value.place.line, value.place.column, value.place.end) == (2, 7, 12)
    assert str(value.place) == "a.rules.yaml:2"


@pytest.mark.parametrize(
    ("raw", "help"),
    [
        ("title: Größe #1 für dich", 'if they should, put quotes around the text: "Größe #1 für dich"'),
        ("title: 'Größe' #1", ""),
        ("title: Größe # 1 of them", ""),
        ("title: Größe  #note", ""),
        ("priority: high #later", ""),
    ],
)
def test_a_text_that_a_note_cuts_off_is_reported(raw: str, help: str) -> None:
    _, findings = read(raw.encode())
    assert [(finding.code, finding.help, finding.edits) for finding in findings] == (
        [("L14", help, ())] if help else []
    )


@pytest.mark.parametrize("before", ["größer ", "crème ", "", "a: 1\n# ü\nb: "])
def test_a_control_character_is_reported_and_taken_out_where_it_stands(before: str) -> None:
    text = f"x: {before}\x0b here"
    _, findings = read(text.encode())
    assert [spliced(text, finding.edits) for finding in findings] == [f"x: {before} here"]


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbfx: 1", b"x: 1\r\n", b"%YAML 1.2\n---\nx: 1\n", b"x: 1\n...\n"])
def test_harmless_oddities_are_fine(raw: bytes) -> None:
    value = value_of(raw)
    assert isinstance(value, Scalar) and value.text == "1"


@pytest.mark.parametrize("raw", [b"", b"# only a comment\n", b"---\n", b"\xef\xbb\xbf"])
def test_a_file_without_anything_is_an_empty_table(raw: bytes) -> None:
    root, findings = read(raw)
    assert isinstance(root, MapNode) and not root.entries and not findings


BOMB = b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"


@pytest.mark.parametrize(
    ("raw", "code", "line", "column", "what"),
    [
        (b"a:\n\tb: 1", "Y001", 2, 1, "this line is indented with a tab"),
        (b"a: 'x\nb: 1\n", "Y001", 1, 4, "this quote is never closed"),
        (b"a: [1, 2\nb: 1\n", "Y001", 1, 4, "this bracket is never closed"),
        (b"show: {banner: {title: Sale: now, link: /}}\n", "Y001", 1, 24, "there is a second colon in this"),
        (b"title: Save 50%: now\n", "Y001", 1, 16, "I cannot read on from here"),
        (b"x: @foo", "Y001", 1, 4, "I cannot read on from here"),
        (b"x: %d", "Y001", 1, 4, "I cannot read on from here"),
        (b"- @foo", "Y001", 1, 3, 'a text cannot begin with "@"'),
        (b"a: 1\n b: 2\n", "Y001", 2, 3, "this line does not fit the lines above it"),
        (b"a:\n    b: 1\n  c: 2\n", "Y001", 3, 3, "this line does not fit the lines above it"),
        (b"a:b\nc: d\n", "Y001", 1, 3, "a space is missing here"),
        (b"a:\n  b: |\n c d\n", "Y001", 3, 2, "this line does not fit the lines above it"),
        (b"a: 1\nb:2\n", "Y001", 2, 3, "a space is missing here"),
        (b"a: 1\nslot b\nc: 3\n", "Y001", 2, 5, "a colon is missing here"),
        (b"{{ name }}: 1", "Y001", 1, 2, "a word should stand before the colon"),
        (b"x: *foo", "Y002", 1, 4, '"*foo" would repeat another part of the file'),
        (BOMB, "Y002", 1, 4, '"&a" would name a part of the file'),
        (b"x: !important", "Y002", 1, 4, '"!important" would give this a type'),
        (b"x: !!python/name:os.system", "Y002", 1, 4, '"!!python/name:os.system" would give this a type'),
        (b"a: 1\n---\nb: 2\n", "Y002", 2, 1, '"---" begins a second document'),
        (b"x: " + b"[" * 30 + b"]" * 30, "Y003", 1, 24, "this is more than 20 levels deep"),
        (b"#" * (MAX_FILE_BYTES + 1), "Y003", 1, 1, "this file is larger than 1 MiB"),
        (b"a: caf\xe9", "Y004", 1, 7, "this file is not saved as UTF-8 text"),
        (b"a: 1\nb: \x00", "Y004", 2, 4, "an invisible control character stands here"),
        (b"a: 1\na: 2\n", "R102", 2, 1, '"a" stands here twice'),
    ],
)
def test_what_is_refused_is_reported_with_its_place(raw: bytes, code: str, line: int, column: int, what: str) -> None:
    _, findings = read(raw)
    first = findings[0]
    assert (first.code, first.place.line, first.place.column, first.what) == (code, line, column, what)
    assert first.help


@pytest.mark.parametrize(
    ("raw", "help"),
    [
        (b"title: Save 50%: now", 'put quotes around the text: "Save 50%: now"'),
        (b"  - title: @foo", 'put quotes around the text: "@foo"'),
        (b'x: "a" b', """put quotes around the text: '"a" b'"""),
        (b"x: 'Who's there?'", """put quotes around the text: "Who's there?" """.strip()),
        ("x: “Sale: now”".encode(), 'put quotes around the text: "Sale: now"'),
        (b"strategy: goes with: X", "put this on a line of its own below, two spaces further in: goes with: X"),
        (b"orders: >= 3", "write: at least 3"),
        (b"orders: > 3 EUR", "write: more than 3 EUR"),
        (b"x: (a) [b", ""),
    ],
)
def test_the_text_to_write_is_offered(raw: bytes, help: str) -> None:
    _, findings = read(raw)
    assert [finding.help for finding in findings] == ([help] if help else [])


def test_the_spaces_of_a_word_processor_are_ordinary_ones_but_in_what_visitors_read() -> None:
    text = (
        "limit: at most\u00a03 times\norders in the last\u202f30 days: [at least\u00a02,\u00a0any]\n"
        'name: "Trail\u00a0runners"\n'
        "title: Soldes\u00a0!\ntext: 'Bonjour {first\u00a0name|toi}\u00a0!'\n"
    )
    findings: list[Finding] = []
    root = read_yaml("x", text, findings)
    assert isinstance(root, MapNode) and not findings
    limit, orders, name, title, words = root.entries
    assert isinstance(orders.value, ListNode) and orders.key.text == "orders in the last 30 days"
    said = [
        each.text
        for each in (limit.value, *orders.value.items, title.value, words.value, name.value)
        if isinstance(each, Scalar)
    ]
    assert said == [
        "at most 3 times",
        "at least 2",
        "any",
        "Soldes\u00a0!",
        "Bonjour {first name|toi}\u00a0!",
        "Trail\u00a0runners",
    ]
