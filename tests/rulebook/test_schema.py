"""The JSON Schema knows what the checker knows."""

from __future__ import annotations

import re
from typing import Any

from proxy.conditions.vocabulary import COUNTED, PHRASES
from proxy.page.slots import SLOT_KINDS
from proxy.rulebook.cachefile import COOKIES, HOLE, PAGE, QUERY
from proxy.rulebook.check import check
from proxy.rulebook.schema import cache_schema, rule_schema
from proxy.rulebook.words import FILE, LISTING_EXPERIMENT, LISTING_RULE, RULE
from tests.rulebook.conftest import FILES


def schema(rules: str = "segments: {VIP: {}}\nrules: []") -> dict[str, Any]:
    return rule_schema(check({name: text.encode() for name, text in {**FILES, "a.rules.yaml": rules}.items()}).names)


def test_every_word_is_there_with_its_help() -> None:
    made = schema()
    assert list(made["properties"]) == [word.name for word in FILE]
    rule = made["$defs"]["rule"]
    assert set(rule["required"]) == {"name", "slot", "show"} and not rule["additionalProperties"]
    assert {name: value["description"] for name, value in rule["properties"].items()} == {
        word.name: word.help for word in RULE
    }


def test_a_condition_takes_every_phrase_and_attribute_and_no_other_word() -> None:
    condition = schema()["$defs"]["condition"]
    names = condition["propertyNames"]["anyOf"][0]["enum"]
    fixed = {phrase.key for phrase in PHRASES if COUNTED not in phrase.key}
    assert fixed | {"orders", "any of", "unless"} <= set(names)
    assert all(condition["properties"][name]["description"] for name in names)


def test_a_phrase_with_a_number_in_it_is_a_pattern() -> None:
    condition = schema()["$defs"]["condition"]
    patterns = [one["pattern"] for one in condition["propertyNames"]["anyOf"][1:]]
    assert patterns == list(condition["patternProperties"])
    assert any(re.search(pattern, "orders in the last 365 days") for pattern in patterns)
    assert not any(re.search(pattern, "orders in the last N days") for pattern in patterns)


def test_names_of_the_folder_are_offered() -> None:
    made = schema()
    assert made["$defs"]["rule"]["properties"]["slot"]["enum"] == ["all.topbar", "home.hero"]
    assert {"enum": ["VIP"]} in made["$defs"]["condition"]["properties"]["segment"]["anyOf"]


def test_every_kind_of_slot_can_be_shown() -> None:
    shown = [one["properties"] for one in schema()["$defs"]["show"]["anyOf"] if "properties" in one]
    assert [next(iter(kind)) for kind in shown] == [kind.name for kind in SLOT_KINDS]
    assert shown[0]["banner"]["anyOf"][0]["required"] == ["title"]


def test_every_word_of_cache_yaml_is_there_with_its_help() -> None:
    made = cache_schema()
    parts = {"page": PAGE, "hole": HOLE, "cookies": COOKIES, "query": QUERY}
    for name, words in parts.items():
        properties = made["$defs"][name]["properties"]
        assert {word: value["description"] for word, value in properties.items()} == {w.name: w.help for w in words}


def test_a_list_has_words_of_its_own_in_a_rule_and_an_experiment() -> None:
    made = schema()
    assert made["properties"]["rules"]["items"] == {
        "if": {"required": ["listing"]},
        "then": {"$ref": "#/$defs/listing-rule"},
        "else": {"$ref": "#/$defs/rule"},
    }
    parts = made["$defs"]
    assert set(parts["listing-rule"]["properties"]) == {word.name for word in LISTING_RULE}
    assert set(parts["listing-rule"]["required"]) == {"name", "listing"}
    tried = parts["listing-experiment"]["properties"]
    assert set(tried) == {word.name for word in LISTING_EXPERIMENT}
    arm = tried["variants"]["items"]
    assert arm["required"] == ["name"] and arm["properties"]["show"]["const"] == "nothing new"
    assert "type" not in arm["properties"]["boost"], "one, or a list"
