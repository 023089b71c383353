"""JSON Schema of rule files and of cache.yaml, for completion and help in a code editor. It is made from the same
tables as the checker, but checks less: not how values are phrased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.audience.results import GOALS
from proxy.conditions.parse import GROUPS
from proxy.conditions.phrase import Kind, Phrase
from proxy.conditions.vocabulary import COUNTED, pattern_of
from proxy.httpcache.overrides import OVERRULABLE
from proxy.page.holes import HOLE_FILLS, IfMissing
from proxy.page.slots import SLOT_KINDS, KeyKind, ShowKey, SlotKind
from proxy.rulebook import cachefile
from proxy.rulebook.expectations import NOTHING_NEW
from proxy.rulebook.names import Names
from proxy.rulebook.rules import PRIORITIES
from proxy.rulebook.scores import GRADED
from proxy.rulebook.segments import EVERYONE
from proxy.rulebook.words import (
    CHANNELS,
    EXPERIMENT,
    FILE,
    GUARDRAILS,
    HOLDOUT,
    LISTING_EXPERIMENT,
    LISTING_RULE,
    LISTING_VARIANT,
    MOVES,
    RULE,
    SCORE,
    SEGMENT,
    STOP,
    TEST,
    VARIANT,
    Word,
)

Schema = dict[str, Any]

CONDITION: Schema = {"$ref": "#/$defs/condition"}
GRADES: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
TEXT: Schema = {"type": ["string", "number", "boolean"]}
MOVED: Schema = {word.name: {} for word in MOVES[:-1]} | {MOVES[-1].name: {"type": "integer"}}
GROUP_HELP = {
    "any of": "one of these must hold",
    "all of": "all of these must hold",
    "none of": "none of these may hold",
    "unless": "this must not hold",
}


def rule_schema(names: Names) -> Schema:
    """The schema, as plain JSON values, for a folder with these names."""
    placed, judged = _placed(names), _judged()
    special: Mapping[str, Mapping[str, Schema]] = {
        "file": {
            "version": {"const": 1},
            "segments": {"type": "object", "additionalProperties": {"anyOf": [_ref("segment"), {"type": "null"}]}},
            "scores": {"type": "object", "additionalProperties": _ref("score")},
            "rfm": {"type": "object", "properties": dict.fromkeys(GRADED, GRADES), "additionalProperties": False},
            "limits": {"type": "object", "additionalProperties": TEXT},
            "groups": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": TEXT}},
            "journey": {"type": "object", "additionalProperties": {"anyOf": [{"const": EVERYONE}, CONDITION]}},
            "rules": {"type": "array", "items": _for_slot_or_list("rule")},
            "experiments": {"type": "array", "items": _for_slot_or_list("experiment")},
            "holdout": _one_or_more(_ref("holdout")),
            "tests": {"type": "array", "items": _ref("test")},
        },
        "score": {"points": {"type": "object", "additionalProperties": {"type": "number"}}},
        "segment": {"when": CONDITION, "unless": CONDITION},
        "rule": {**placed, "show": _ref("show")},
        "experiment": {
            **placed,
            "variants": _variants(VARIANT, {"show": _ref("show")}),
            **judged,
        },
        "listing-experiment": {
            **placed,
            "variants": _variants(LISTING_VARIANT, {**MOVED, "show": {"const": NOTHING_NEW}}),
            **judged,
        },
        "holdout": {"slots": _one_or_more(_names(names.slots))},
        "test": {"visitor": {"type": "object"}, "expect": {"type": "object", "propertyNames": _names(names.slots)}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tailorbird rules",
        **_part(FILE, special["file"]),
        "$defs": {
            "score": _part(SCORE, special["score"]),
            "segment": _part(SEGMENT, special["segment"]),
            "rule": _part(RULE, special["rule"]),
            "listing-rule": _part(LISTING_RULE, {**placed, **MOVED}),
            "experiment": _part(EXPERIMENT, special["experiment"]),
            "listing-experiment": _part(LISTING_EXPERIMENT, special["listing-experiment"]),
            "holdout": _part(HOLDOUT, special["holdout"]),
            "test": _part(TEST, special["test"]),
            "condition": _condition(names.words),
            "show": {"anyOf": [{"const": NOTHING_NEW}, *map(_shown, SLOT_KINDS)]},
        },
    }


def cache_schema() -> Schema:
    """The schema of `cache.yaml`."""
    names: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    yes_or_no: Schema = {"enum": ["yes", "no", True, False]}
    special: Mapping[str, Mapping[str, Schema]] = {
        "file": {"pages": {"type": "array", "items": _ref("page")}},
        "page": {
            **dict.fromkeys(("store", "includes", "slots", "compare", "forms change it"), yes_or_no),
            "despite": {
                "anyOf": [{"enum": list(OVERRULABLE)}, {"type": "array", "items": {"enum": list(OVERRULABLE)}}]
            },
            "cookies": _ref("cookies"),
            "query": _ref("query"),
            "drop set-cookie": names,
            "holes": {"type": "array", "items": _ref("hole")},
        },
        "hole": {"without cookie": {"enum": [word.value for word in IfMissing]}, "fill": {"examples": _examples()}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tailorbird's policy for an origin",
        **_part(cachefile.FILE, special["file"]),
        "$defs": {
            "page": _part(cachefile.PAGE, special["page"]),
            "cookies": _part(cachefile.COOKIES, {word.name: names for word in cachefile.COOKIES}),
            "query": _part(cachefile.QUERY, {word.name: names for word in cachefile.QUERY}),
            "hole": _part(cachefile.HOLE, special["hole"]),
        },
    }


def _examples() -> list[str]:
    return [row.example for row in HOLE_FILLS]


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _for_slot_or_list(name: str) -> Schema:
    """A rule or experiment, by whether it names a list: so an editor is told what is wrong with this kind of it."""
    return {"if": {"required": ["listing"]}, "then": _ref(f"listing-{name}"), "else": _ref(name)}


def _variants(words: Sequence[Word], special: Mapping[str, Schema]) -> Schema:
    return {"type": "array", "minItems": 1, "items": _part(words, special)}


def _placed(names: Names) -> Schema:
    """What a rule and an experiment have in common: where, when and to whom."""
    return {
        "slot": _names(names.slots),
        "priority": {"anyOf": [{"enum": list(PRIORITIES)}, {"type": "integer", "minimum": 0, "maximum": 100}]},
        "when": CONDITION,
        "unless": CONDITION,
        "needs": {"const": "verified"},
        "limit": _one_or_more(TEXT),
        "stop after": _part(STOP, {}),
        "ramp": {"type": "object", "minProperties": 1, "additionalProperties": TEXT},
        "also on": _one_or_more({"enum": list(CHANNELS)}),
    }


def _judged() -> Schema:
    """What an experiment is judged by."""
    return {"goal": {"enum": list(GOALS)}, "guardrails": _one_or_more({"enum": list(GUARDRAILS)})}


def _one_or_more(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "array", "minItems": 1, "items": schema}]}


def _names(known: Sequence[str]) -> Schema:
    return {"type": "string", "enum": list(known)} if known else {"type": "string"}


def _part(words: Sequence[Word], special: Mapping[str, Schema]) -> Schema:
    """The schema of a map with these words; the value of a word without a schema of its own is a text."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [word.name for word in words if word.required],
        "properties": {word.name: {"description": word.help, **special.get(word.name, TEXT)} for word in words},
    }


def _condition(words: Mapping[str, Phrase]) -> Schema:
    groups = {name: {"type": "array", "items": CONDITION} for name in GROUPS} | {"unless": CONDITION}
    described_phrases = [(phrase, {"description": phrase.help, **_phrase(phrase)}) for phrase in words.values()]
    phrases = {phrase.key: schema for phrase, schema in described_phrases if COUNTED not in phrase.key}
    counted = {f"^{pattern_of(phrase)}$": schema for phrase, schema in described_phrases if COUNTED in phrase.key}
    described = {name: {"description": GROUP_HELP[name], **schema} for name, schema in groups.items()}
    properties = {**phrases, **described}
    names = {"anyOf": [{"enum": list(properties)}, *({"pattern": pattern} for pattern in counted)]}
    return {
        "type": "object",
        "minProperties": 1,
        "propertyNames": names,
        "properties": properties,
        "patternProperties": counted,
    }


def _phrase(phrase: Phrase) -> Schema:
    value = _value(phrase)
    if phrase.parts is None:
        return value
    names: Schema = {"propertyNames": {"enum": list(phrase.parts)}} if phrase.parts else {}
    parts: Schema = {"type": "object", "minProperties": 1, "additionalProperties": value, **names}
    return {"anyOf": [parts, value]} if phrase.stands_alone else parts


def _value(phrase: Phrase) -> Schema:
    if not phrase.choices:
        return _one_or_more(TEXT)
    one: Schema = {"enum": [*phrase.choices, *((True, False) if phrase.kind is Kind.TRUTH else ())]}
    known_or_not: Schema = {"enum": ["any", "none"]}
    negated: Schema = {"type": "string", "pattern": "^not "}
    return {"anyOf": [one, known_or_not, negated, {"type": "array", "minItems": 1, "items": one}]}


def _shown(kind: SlotKind) -> Schema:
    keys: Schema = {
        "type": "object",
        "additionalProperties": False,
        "required": [key.name for key in kind.keys if key.required],
        "properties": {key.name: _key(key) for key in kind.keys},
    }
    named: Schema = {"type": "string", "description": "the name of a file in banners/, without its ending"}
    value: Schema = {"anyOf": [keys, named]} if kind.name == "banner" else keys
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [kind.name],
        "properties": {kind.name: {"description": kind.help, **value}},
    }


def _key(key: ShowKey) -> Schema:
    described: Schema = {"description": key.help, "examples": [key.example]}
    match key.kind:
        case KeyKind.PIXELS | KeyKind.COUNT:
            return {**described, "type": "integer", "minimum": 1}
        case KeyKind.STRATEGIES | KeyKind.FILTER | KeyKind.BOOST | KeyKind.PIN:
            return described
    return {**described, **TEXT}
