"""`slots.yaml` and `attributes.yaml`."""

from __future__ import annotations

import pytest

from proxy.conditions.phrase import Kind
from proxy.diagnostics import Finding
from proxy.page.slots import DeclaredSlot
from proxy.rulebook.declared import read_attributes, read_slots
from tests.rulebook.conftest import node


def test_a_slot_may_be_a_mere_name_or_say_where_and_how_large_it_is() -> None:
    findings: list[Finding] = []
    slots = read_slots(
        node(
            "slots:\n  a.b:\n  c: {}\n  home.hero:\n    page: /\n    selector: main > .hero\n    place: start\n"
            "    height: 320\n    phone height: 200\n"
        ),
        findings,
    )
    assert not findings
    hero = DeclaredSlot("home.hero", "/", "main > .hero", "start", 320, 200)
    assert slots == (DeclaredSlot("a.b"), DeclaredSlot("c"), hero)


def test_a_place_in_nothing_is_reported() -> None:
    findings: list[Finding] = []
    read_slots(node("slots:\n  a.b: {place: start}\n  c.d: {place: start, selector: main}"), findings)
    assert [(one.code, one.place.line, one.is_warning) for one in findings] == [("L13", 2, True)]


def test_attributes_have_a_kind() -> None:
    findings: list[Finding] = []
    kinds = read_attributes(node("attributes: {orders: number, city: text, club: truth, tags: set}"), findings)
    assert not findings
    assert kinds == {"orders": Kind.NUMBER, "city": Kind.TEXT, "club": Kind.TRUTH, "tags": Kind.SET}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("slots: {Home Hero: {}}", "R304"),
        ("slots: {a: {place: under}}", "R304"),
        ("slots: {a: {height: 0}}", "R304"),
        ("slots: {a: {page: sale}}", "R304"),
        ('slots: {a: {selector: "main >"}}', "R304"),
        ("slots: {a: {hight: 10}}", "R101"),
        ("slots: {a: {json: content.hero}}", "R304"),
        ("slots: {a: {json: $.hero, selector: main}}", "R304"),
        ("slots: [a]", "R104"),
        ("slot: {}", "R101"),
        ("home.hero: {}\nhome.row: {}", "R103"),
        ("listings: {a: {json: products}}", "R304"),
        ("listings: {a: {json: $.a, selector: main}}", "R304"),
        ("listings: {a: {json: $.a, product: $..id}}", "R304"),
        ("listings: {a: {product: $.id}}", "R304"),
    ],
)
def test_what_is_wrong_with_a_slot_is_reported(text: str, code: str) -> None:
    findings: list[Finding] = []
    read_slots(node(text), findings)
    assert [finding.code for finding in findings] == [code]


@pytest.mark.parametrize(
    ("text", "code"),
    [("{orders: numbr}", "R304"), ("{country: text}", "R201"), ("{any of: text}", "R201"), ("[orders]", "R104")],
)
def test_what_is_wrong_with_an_attribute_is_reported(text: str, code: str) -> None:
    findings: list[Finding] = []
    read_attributes(node(f"attributes: {text}"), findings)
    assert [finding.code for finding in findings] == [code]


@pytest.mark.parametrize(("written", "kind"), [("integer", "number"), ("Boolean", "truth"), ("string", "text")])
def test_a_kind_in_the_words_of_programs_is_told_in_ours(written: str, kind: str) -> None:
    findings: list[Finding] = []
    read_attributes(node(f"attributes: {{points: {written}}}"), findings)
    assert [finding.help for finding in findings] == [f"write: {kind}"]


def test_a_slot_may_stand_in_json() -> None:
    findings: list[Finding] = []
    (slot,) = read_slots(node("slots: {a: {page: /api/*, json: $.content.hero}}"), findings)
    assert (slot.json, slot.page, findings) == ("$.content.hero", "/api/*", [])


def test_a_list_may_stand_in_json_and_be_the_whole_answer() -> None:
    findings: list[Finding] = []
    text = "listings: {a: {page: /api/*, json: $.hits, product: $.node.sku}, b: {json: $, product: sku}}"
    a, b = read_slots(node(text), findings)
    assert findings == [] and (a.name, a.json, a.product, b.json) == ("listing:a", "$.hits", "$.node.sku", "$")
