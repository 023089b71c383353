from __future__ import annotations

import json
import random

import pytest

from proxy.page.encode import assemble
from proxy.page.json_lists import find_json_lists
from proxy.page.lists import ListAt
from proxy.page.scan import SlotRange
from proxy.page.slots import DeclaredSlot
from proxy.page.template import cut_json

LIST = DeclaredSlot("listing:search", page="/api/*", json="$.results.products", product="sku")
ITEMS = [
    '{"sku": "a", "price": 1.50, "tags": ["]", "}"]}',
    '{ "price": 12e1,\r\n  "sku":"b", "title": "\\u00e9 \\"x\\"" }',
    '{"ad": "buy"}',
    '{"sku": "c"}',
    "null",
    '{"sku": 7}',
]
HEAD = '{"total": 4.0, "results": {"facets": [{"sku": "z"}, {"sku": "y"}],\n "products" : [ '
TAIL = ' ]}, "é": 1}'
BODY = (HEAD + " ,\t".join(ITEMS) + TAIL).encode()


def lists_of(body: bytes, *declared: DeclaredSlot, taken: tuple[SlotRange, ...] = ()) -> tuple[ListAt, ...]:
    return find_json_lists(body, path="/api/search", declared=declared or [LIST], taken=taken).found


def shown(body: bytes, order: str, *declared: DeclaredSlot) -> bytes:
    template = cut_json(body, (), lists_of(body, *declared))
    return b"".join(
        assemble(template, [template.lists[0].in_order(list(order))], {}, coding="identity", key=b"k").chunks
    )


def test_elements_change_places_with_all_their_bytes_and_every_other_byte_stays() -> None:
    turned = shown(BODY, "7cba")
    moved = [ITEMS[n] for n in (5, 3, 2, 1, 4, 0)]
    assert turned == (HEAD + " ,\t".join(moved) + TAIL).encode()
    assert json.loads(turned)["total"] == 4.0 and sorted(turned) == sorted(BODY)


def test_the_origins_own_order_is_the_answer_as_it_came() -> None:
    (found,) = lists_of(BODY)
    assert found.cards.products == ("a", "b", "c", "7")
    assert found.cards.in_order(["a", "b", "c", "7"]) is None


@pytest.mark.parametrize(
    ("path", "product", "document"),
    [
        ("$", "", [{"id": 1}, {"id": "2"}]),
        ("$.data.edges", "$.node.sku", {"data": {"edges": [{"node": {"sku": "1"}}, {"node": {"sku": "2"}}]}}),
        ("$.hits[1]", "variant id", {"hits": [[], [{"variant id": 1}, {"variant id": 2}]]}),
    ],
)
def test_the_array_and_its_products_stand_where_the_shop_says(path: str, product: str, document: object) -> None:
    body = json.dumps(document, indent=1).encode()
    declared = DeclaredSlot("listing:x", json=path, product=product)
    assert [at.cards.products for at in lists_of(body, declared)] == [("1", "2")]
    assert json.loads(shown(body, "21", declared)) != document


@pytest.mark.parametrize(
    ("name", "body", "doubt"),
    [
        ("it is not there", BODY.replace(b'"products"', b'"items"'), ""),
        ("it is no array", b'{"results": {"products": {"sku": "a"}}}', ""),
        ("it is there twice", BODY.replace(b'"total"', b'"results": {"products": []}, "total"'), "several_values"),
        ("one product stands there twice", BODY.replace(b'"c"', b'"a"'), "card_twice"),
        ("there is one product", b'{"results": {"products": [{"sku": "a"}, {"id": "b"}, {"sku": true}]}}', ""),
        ("it is empty", b'{"results": {"products": []}}', ""),
        ("a product is named twice", b'{"results": {"products": [{"sku": "a"}, {"sku": "b", "sku": "c"}]}}', ""),
        (
            "it is long",
            json.dumps({"results": {"products": [{"sku": n} for n in range(201)]}}).encode(),
            "too_many_cards",
        ),
    ],
)
def test_a_list_in_doubt_stays_as_it_is(name: str, body: bytes, doubt: str) -> None:
    lists = find_json_lists(body, path="/api/search", declared=[LIST])
    assert lists.found == () and [left.reason for left in lists.left_as_is] == ([doubt] if doubt else [])


def test_lists_of_other_addresses_of_pages_and_those_that_hold_a_slot_are_none() -> None:
    others = (DeclaredSlot("listing:a", page="/other", json=LIST.json), DeclaredSlot("listing:b", selector="ul"))
    assert lists_of(BODY, *others) == ()
    at = BODY.index(b"1.50")
    assert lists_of(BODY, taken=(SlotRange("home.price", at, at + 4),)) == ()


def test_any_order_of_any_list_keeps_all_elements_and_all_bytes() -> None:
    dice = random.Random(5)
    for _ in range(50):
        ids = dice.sample("abcdefghijklmnop", dice.randrange(2, 12))
        items = [{"sku": id, "text": dice.choice(['"', "[", "\\", "é", ""]) * dice.randrange(3)} for id in ids]
        document = {"results": {"products": items}, "count": len(ids)}
        body = json.dumps(document, indent=dice.choice([None, 2]), ensure_ascii=dice.choice([True, False])).encode()
        order = dice.sample(ids, len(ids))
        turned = shown(body, "".join(order))
        assert [item["sku"] for item in json.loads(turned)["results"]["products"]] == order
        assert sorted(turned) == sorted(body)
