from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.page.json_lists import find_json_slots
from proxy.page.scan import SlotRange, Uncut, UncutReason
from proxy.page.slots import DeclaredSlot

BODY = b"""{ "n": 1.50, "esc": "\\u00e9\\/",
  "content" : {"hero": {"title": "Hi \\"you\\"", "tags": ["}", "]"]}, "foot":"<p>old</p>" },
  "blocks": [ null, {"a b": [1, 2]}, -0.0e+10 ] }"""


def cut(body: bytes, *paths: str, max_slots: int = 50) -> tuple[SlotRange, ...] | Uncut:
    declared = [DeclaredSlot(f"slot.{number}", page="/api/*", json=path) for number, path in enumerate(paths)]
    return find_json_slots(body, path="/api/home", declared=declared, max_slots=max_slots)


def values(body: bytes, *paths: str) -> list[bytes]:
    found = cut(body, *paths)
    assert not isinstance(found, Uncut)
    return [body[slot.start : slot.end] for slot in found]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.content.hero", b'{"title": "Hi \\"you\\"", "tags": ["}", "]"]}'),
        ("$.content.foot", b'"<p>old</p>"'),
        ("$['content']['foot']", b'"<p>old</p>"'),
        ('$["content"].hero.tags[1]', b'"]"'),
        ("$.blocks[0]", b"null"),
        ("$.blocks[2]", b"-0.0e+10"),
        ("$.blocks[1]['a b'][0]", b"1"),
        ("$.n", b"1.50"),
    ],
)
def test_a_value_is_found_by_its_bytes(path: str, value: bytes) -> None:
    assert values(BODY, path) == [value]


@pytest.mark.parametrize("path", ["$.content.none", "$.blocks[9]", "$.n.deeper", "$.blocks.hero", "$.content[0]"])
def test_a_value_that_is_not_there_is_no_slot(path: str) -> None:
    assert cut(BODY, path) == Uncut(UncutReason.NO_SLOTS, 0)


@pytest.mark.parametrize("body", [b"", b"{", b'{"content": {"hero": 1}} x', b"\xff", b"[" * 100_000, b"{'content': 1}"])
def test_what_is_no_json_stays_as_it_came(body: bytes) -> None:
    assert cut(body, "$.content.hero") == Uncut(UncutReason.NOT_JSON, 0)


def test_a_member_that_is_there_twice_is_in_doubt() -> None:
    found = cut(b'{"a": 1, "\\u0061": 2}', "$.a")
    assert isinstance(found, Uncut)
    assert (found.reason, found.slot) == (UncutReason.SEVERAL_VALUES, "slot.0")


def test_of_slots_within_one_another_the_outermost_counts_and_there_are_not_too_many() -> None:
    assert values(BODY, "$.content.hero.title", "$.content") == [values(BODY, "$.content")[0]]
    assert cut(BODY, "$.n", "$.esc", max_slots=1) == Uncut(
        UncutReason.TOO_MANY_SLOTS, BODY.index(b'"\\u00e9'), "slot.1"
    )


def test_slots_of_other_addresses_are_not_there() -> None:
    declared = [DeclaredSlot("a", page="/other", json="$.n"), DeclaredSlot("b", page="/api/home", selector="p")]
    assert find_json_slots(BODY, path="/api/home", declared=declared, max_slots=9) == Uncut(UncutReason.NO_SLOTS, 0)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)


@given(JSON, st.sampled_from([None, 1, 3]), st.booleans())
def test_any_value_that_is_found_is_the_one_a_parser_finds(document: object, indent: int | None, ascii: bool) -> None:
    body = json.dumps({"a": {"b": document}, "c": document}, indent=indent, ensure_ascii=ascii).encode(
        "utf-8", "surrogatepass"
    )
    found = cut(body, "$.a.b")
    if not isinstance(found, Uncut):
        (slot,) = found
        assert json.loads(body[slot.start : slot.end]) == document
        assert json.loads(body[: slot.start] + b"7" + body[slot.end :]) == {"a": {"b": 7}, "c": document}
    else:
        assert found.reason is UncutReason.NOT_JSON  # a lone half of a pair, which is no UTF-8
