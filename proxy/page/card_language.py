"""The template language of cards: minijinja, reduced to values, `if` and `for`.

Its law: what a template makes cannot be much longer than itself and the product's texts. minijinja counts instructions
(fuel), not what each makes: `{{ "x" * 1000000000 }}` is one, and takes the worker's memory. So what repeats a text or
a list is refused, and what a loop binds is never made longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import minijinja

from proxy.errors import EditorError

MOST_CHARACTERS = 20_000
"""Of a card."""
HELP = "a card may hold {{ product.title }} and the like, {% if %} and {% for %}"

MOST_TAGS, LONGEST_TAG = 500, 500
"""What minijinja compiles, it goes through by recursion: a chain of 10,000 filters ends the process."""

_FUEL = 20_000
_MOST_LOOPED = 4_000_000
"""Characters that the instructions of a template may write together."""
_LONGEST_TEXT = 1_000
"""Of a product (`catalogue/products.py`)."""
_MOST_IN_RANGE = 100
_STATEMENTS = frozenset({"if", "elif", "else", "endif", "for", "endfor"})
_FILTERS = frozenset({
    "abs", "bool", "capitalize", "count", "d", "default", "e", "escape", "first", "float", "format", "int", "join",
    "last", "length", "list", "lower", "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "safe",
    "select", "selectattr", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper", "urlencode",
})  # fmt: skip
_STRING = r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'"
_TAG = re.compile(rf"""\{{#.*?#\}}|\{{([{{%])[-+]?((?:{_STRING}|[^"'])*?)[-+]?[}}%]\}}""", re.DOTALL)
_OPENS = re.compile(r"\{[{%#]")
_STRINGS = re.compile(_STRING, re.DOTALL)
_REPEATS = re.compile(r"[*{]")
_USED = re.compile(r"\|\s*(\w*)")
_LOOP = re.compile(
    r"for\s+\w+(?:\s*,\s*\w+)*\s+in\s+(?:[\w.]+|range\s*\([\w.\s,]*\))(?:\s*\|\s*\w+)*\s*(?:if\b(?!.*\brecursive\b).*)?",
    re.DOTALL,
)
_WIDE = re.compile(r"\d{3}|\*")


def environment_of(template: str) -> minijinja.Environment:
    """The environment that renders the template as `card`. Raises `EditorError` with its line."""
    # By default escaping depends on the template's name. Strict, so that a misspelt value is an error.
    environment = minijinja.Environment(
        undefined_behavior="strict", auto_escape_callback=lambda _: True, pycompat=False, fuel=_fuel_of(template)
    )
    for name in ("debug", "dict", "namespace"):
        environment.remove_global(name)
    environment.add_global("range", _range)
    for name, function in (("join", _joined), ("replace", _replaced), ("format", _formatted)):
        environment.add_filter(name, function)
    _require_allowed(template)  # before it is compiled: constants are multiplied then
    try:
        environment.add_template("card", template)
    except minijinja.TemplateError as error:
        raise as_editor_error(error) from error
    return environment


def as_editor_error(error: minijinja.TemplateError) -> EditorError:
    return EditorError(error.detail or error.message.partition(" (in ")[0], help=HELP, line=error.line or 0)


def _require_allowed(template: str) -> None:
    """Raises `EditorError`."""
    at, count = 0, 0
    while begins := _OPENS.search(template, at):
        tag, count = _TAG.match(template, begins.start()), count + 1
        why = f"`{begins[0]}` has no end"
        if tag is not None:
            at, why = tag.end(), _why_refused(_STRINGS.sub('""', tag[2] or "").strip(), tag[1] == "%", count)
        if why:
            raise EditorError(why, help=HELP, line=template.count("\n", 0, begins.start()) + 1)


def _why_refused(tag: str, is_statement: bool, count: int) -> str:
    """What a tag, the so many of its card, has that may not be; "" if nothing. Its strings are empty."""
    if count > MOST_TAGS:
        return f"a card has at most {MOST_TAGS} values and statements"
    if len(tag) > LONGEST_TAG:
        return f"`{tag[:20]} ...` has more than {LONGEST_TAG} characters"
    word = tag.split(maxsplit=1)[0] if is_statement and tag else ""
    refused = word if is_statement and word not in _STATEMENTS else ""
    refused = refused or next(iter(_REPEATS.findall(tag)), "")
    refused = refused or (tag if word == "for" and not _LOOP.fullmatch(tag) else "")
    refused = refused or next((name for name in _USED.findall(tag) if name not in _FILTERS), "")
    return f"a card may not use `{refused}`" if refused else ""


def _fuel_of(template: str) -> int:
    """An instruction writes a text of the template, or one of the product."""
    longest = max(map(len, re.split(r"[{}]", template)), default=0)
    return min(_FUEL, _MOST_LOOPED // max(longest, _LONGEST_TEXT))


def _bounded(length: int) -> None:
    if length > MOST_CHARACTERS:
        raise ValueError(f"a card has at most {MOST_CHARACTERS:,} characters")


def _joined(values: Iterable[object], between: str = "") -> str:
    texts = [str(value) for value in values]
    _bounded(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def _replaced(text: object, old: str, new: str) -> str:
    _bounded(len(str(text)) + str(text).count(old) * len(new))
    return str(text).replace(old, new)


def _formatted(form: str, *values: object) -> str:
    if _WIDE.search(form):
        raise ValueError(f"`{form}` is too wide")
    return form % values


def _range(*ends: float) -> list[int]:
    numbers = range(*map(int, ends))
    if len(numbers) > _MOST_IN_RANGE:
        raise ValueError(f"a range has at most {_MOST_IN_RANGE} numbers")
    return list(numbers)
