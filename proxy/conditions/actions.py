"""Reads an action: `viewed:` and the lines under it, which together are one fact about how often it was done.

viewed:
  category: shoes/trail          which products: category, product or brand (`searched` has for, `opened` page)
  times: at least 3              how often; once or more when missing, `none` is never
  within: 14 days                since when; ever when missing; `this visit` is the visit under way
  then not: bought within 2 hours        what followed, or did not; `bought it` is the same product
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf

from proxy.conditions.amounts import amount, is_amount_form
from proxy.conditions.behaviours import ADDED, BOUGHT, CLICKED, PAGE, SEARCHED, SHOWN, VIEWED
from proxy.conditions.durations import DURATION_HELP, seconds_of
from proxy.conditions.nodes import Entry, Scalar, as_map, as_text, unknown_word
from proxy.conditions.phrase import PATH, PATH_HINT, Kind, Phrase
from proxy.diagnostics import Finding
from proxy.model import EVERYBODY, Between, Condition, Fact, IsKnown, Measure, Period, Test, Then

ReadTests = Callable[[Phrase, Entry, list[Finding]], tuple[list[Test], str]]

THIS_VISIT = "this visit"
AT_ALL = Between(low=1)
FIELDS = {"category": "category", "product": "product", "brand": "brand"}
FIELDS |= dict.fromkeys(("for", "page", "banner"), "subject")
SINCE = re.compile(r"(.*?)\s*\b(?:within|in)(?: the)?(?: last)? (.+)", re.DOTALL)
TIMES = Phrase("times", "times", Kind.NUMBER, "")
OFTEN = {"yes": "at least 1", "once": "at least 1", "twice": "at least 2"} | dict.fromkeys(
    ("no", "never", "none"), "none"
)
NARROWING = {word: Phrase(word, word, Kind.TEXT, "") for word in FIELDS}
NARROWING["page"] = replace(NARROWING["page"], shape=PATH, hint=PATH_HINT)
FOLLOWED = {"viewed": VIEWED, "added to cart": ADDED, "bought": BOUGHT, "searched": SEARCHED}
FOLLOWING = re.compile(rf"({'|'.join(FOLLOWED)})( it)? within (.+)")
FOLLOWING_HELP = "write: bought within 2 hours; or: bought it within 2 hours, for the same product"


def read_action(
    entry: Entry, phrase: Phrase, measure: Measure, read_tests: ReadTests, findings: list[Finding]
) -> Condition:
    """The fact that an action and the lines under it are; `read_tests` reads a value's form."""
    known = phrase.parts or ()
    if isinstance(entry.value, Scalar) and entry.value.text:
        findings.append(_only_a_word(entry.value, phrase.key, known))
        return EVERYBODY
    table = as_map(entry.value, f'"{phrase.key}"', findings)
    entries = table.entries if table else ()
    parts = {part.key.text: part for part in entries if part.key.text in known}
    findings += [unknown_word(part.key, f'"{phrase.key}"', known) for part in entries if part.key.text not in known]
    times: Test = AT_ALL
    said = []
    for word in known:
        if word not in parts:
            continue
        if word == "times":
            times = _times(parts[word], read_tests, findings)
        else:
            measure = _narrowed(measure, word, parts[word], read_tests, findings)
            said.append(_written(parts[word]))
    attribute = _named(phrase.key, said)
    text = _named(phrase.key, [_written(parts[word]) for word in known if word in parts])
    return Fact(attribute, times, text, entry.key.place, measure) if table else EVERYBODY


def _only_a_word(value: Scalar, key: str, known: Sequence[str]) -> Finding:
    """R104 for `viewed: SKU-1042`, as a test says it, and for `viewed: 3 times within 2 days`, as people do."""
    often, lines = value.text, []
    found = SINCE.fullmatch(often)
    if found and (found[2] == THIS_VISIT or seconds_of(found[2]) is not None):
        often, lines = found[1], [f"within: {found[2]}"]
    others: list[str] = []
    if times := _how_often(often):
        lines.insert(0, f"times: {times}")
    elif often:
        first, *others = sorted((word for word in known if word in FIELDS), key=lambda word: word != "product")
        lines.insert(0, f"{first}: {often}")
    help = f"write: `{key}: {{{', '.join(lines)}}}`" + (f"; or {', '.join(others)}" if others else "")
    return Finding("R104", f'"{key}" should be lines of `word: value`', value.place, help)


def _how_often(text: str) -> str:
    """What `times` says for a text that is a number of times in words; "" for any other, as a bare number, which may
    be a product's."""
    said = text.casefold()
    if said in OFTEN:
        return OFTEN[said]
    is_amount = is_amount_form(said) or said.endswith((" time", " times"))
    return text if is_amount and amount(TIMES, said) else ""


def _named(key: str, said: Sequence[str]) -> str:
    return f"{key}: {', '.join(said)}" if said else key


def _narrowed(measure: Measure, word: str, part: Entry, read_tests: ReadTests, findings: list[Finding]) -> Measure:
    """The measure with the restriction of this line."""
    if word in FIELDS:
        tests, _ = read_tests(NARROWING[word], part, findings)
        if len(tests) > 1:
            help = "use one form for all of the list"
            findings.append(Finding("R306", f'"{word}" mixes forms in one list', part.key.place, help))
        return replace(measure, where=(*measure.where, *((FIELDS[word], test) for test in tests[:1])))
    written = as_text(part.value, f'"{word}"', findings)
    if written is None:
        return measure
    if word == "within":
        return _within(measure, written, findings)
    return replace(measure, then=_following(written, word, findings))


def _within(measure: Measure, written: Scalar, findings: list[Finding]) -> Measure:
    if written.text == THIS_VISIT:
        return replace(measure, period=Period.VISIT)
    seconds = seconds_of(written.text)
    if seconds is None:
        help = f"{DURATION_HELP}, or {THIS_VISIT}"
        findings.append(Finding("R304", f'"within" cannot be "{written.text}"', written.place, help))
    return replace(measure, within_seconds=seconds or inf)


def _following(written: Scalar, word: str, findings: list[Finding]) -> Then | None:
    found = FOLLOWING.fullmatch(written.text)
    seconds = seconds_of(found[3]) if found else None
    if found is None or seconds is None:
        findings.append(Finding("R304", f'"{word}" cannot be "{written.text}"', written.place, FOLLOWING_HELP))
        return None
    return Then((FOLLOWED[found[1]],), seconds, wanted=word == "then", same_product=bool(found[2]))


def _times(part: Entry, read_tests: ReadTests, findings: list[Finding]) -> Test:
    tests, _ = read_tests(TIMES, part, findings)
    if len(tests) == 1 and not isinstance(tests[0], IsKnown):
        return tests[0]
    if len(tests) > 1:
        findings.append(Finding("R306", '"times" mixes forms in one list', part.key.place, "write one amount"))
    return Between(0, 0) if tests == [IsKnown(wanted=False)] else AT_ALL


def _written(part: Entry) -> str:
    """A line in its own words; a list with commas."""
    value = part.value
    scalars = [value] if isinstance(value, Scalar) else getattr(value, "items", ())
    return f"{part.key.text} {', '.join(each.text for each in scalars if isinstance(each, Scalar))}"


def words_of(measure: Measure) -> tuple[str, str, str]:
    """How `why` words an action: that it was done, once, several times."""
    return DONE.get(measure.kinds[0], ("done", "time", "times"))


DONE: Mapping[str, tuple[str, str, str]] = {
    VIEWED: ("seen", "view", "views"),
    ADDED: ("added", "addition", "additions"),
    BOUGHT: ("ordered", "order", "orders"),
    SEARCHED: ("searched", "search", "searches"),
    PAGE: ("opened", "page", "pages"),
    SHOWN: ("shown", "time", "times"),
    CLICKED: ("clicked", "click", "clicks"),
}
