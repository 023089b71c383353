"""Reads editors' tests (`tests:`): a visitor, a moment, and what each slot must show. `cases.py` runs them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from proxy.conditions.amounts import amount, no_amount
from proxy.conditions.choices import check_values
from proxy.conditions.derived import place_of
from proxy.conditions.forms import nowhere
from proxy.conditions.localtime import ZONED_ATTRIBUTES
from proxy.conditions.nodes import Entry, ListNode, MapNode, Node, Scalar, as_map, as_text, unknown_word
from proxy.conditions.phrase import Kind, Phrase
from proxy.conditions.vocabulary import phrase_of, spelled
from proxy.diagnostics import Edit, Finding, did_you_mean, nearest
from proxy.model import Attributes, AttributeValue, Place, Product, Rule
from proxy.page.slots import LISTING
from proxy.rulebook.case_history import DONE_BY, Action, read_done
from proxy.rulebook.names import IDENTIFIED, Names
from proxy.rulebook.scalars import read_words, unfit
from proxy.rulebook.times import read_moment
from proxy.rulebook.words import LIST_TEST, SLOT_TEST, TEST, Part, fields

NOTHING_NEW = "nothing new"
NOT_OF_A_VISITOR = (*ZONED_ATTRIBUTES, "page", "date", "weekday there", "hours there", "segment")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a slot must show: the name of a rule, "" for the page's own content; of an experiment also the arm, "" for
    any. Without a rule, any may show what it is about: products, all in `contains` and none in `never`; and `words`,
    each with the name of its text, or `says`. If it is about a list, `given` are its products in the shop's order, of
    which those in `begins` must come first."""

    slot: str
    rule: str
    place: Place
    contains: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    arm: str = ""
    given: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()

    @property
    def is_of_products(self) -> bool:
        """True when it is about what stands in a row."""
        return bool(self.contains or self.never)

    @property
    def is_of_any_rule(self) -> bool:
        """True when it does not matter which rule shows what it is about."""
        return not self.rule and bool(self.is_of_products or self.given or self.words)


@dataclass(frozen=True, slots=True)
class Case:
    """One test. `at` is None when it has no moment; `unverified` are segments without a signature; `actions` are what
    the visitor did before; `visitor` is their id, by which chance draws."""

    name: str
    attributes: Attributes
    unverified: frozenset[str]
    at: float | None
    expect: tuple[Expectation, ...]
    place: Place
    actions: tuple[Action, ...] = ()
    visitor: str = ""


def untested(rules: Iterable[Rule], cases: Iterable[Case], shown: Collection[str] | None = None) -> list[Rule]:
    """The rules that no test expects. A test that names no rule, but what is read or stands in a slot, expects those
    that were `shown` when it ran; before it ran, it may be any rule of the slot."""
    expectations = [expectation for case in cases for expectation in case.expect]
    expected = {expectation.rule for expectation in expectations}.union(shown or ())
    maybe = {each.slot for each in expectations if each.is_of_any_rule} if shown is None else ()
    return [rule for rule in rules if rule.name not in expected and rule.slot not in maybe]


def read_case(
    node: Node,
    rules: Mapping[str, Rule],
    names: Names,
    timezone: str,
    findings: list[Finding],
    products: Mapping[str, Product] | None = None,
) -> Case:
    """One entry of `tests:`. `rules` are those of the whole folder by name, `products` those of its catalogue."""
    found = fields(node, "test", TEST, findings)
    name = found.text("name", findings)
    unverified = frozenset[str]()
    attributes: dict[str, AttributeValue] = {"segment": frozenset(), "page": _page(found, names, findings)}
    actions: list[Action] = []
    id = ""
    for entry in found.lines("visitor", findings):
        if entry.key.text == "id":
            written = as_text(entry.value, '"id"', findings)
            id = written.text if written else ""
        elif entry.key.text == "unverified segments":
            unverified = _segments(entry, names, findings)
        elif entry.key.text in DONE_BY:
            actions += read_done(entry, products or {}, findings)
        else:
            attributes |= _attribute(entry, names, findings)
    attributes["segment"] = unverified | _members(attributes["segment"])
    return Case(
        name=name.text if name else "",
        attributes=attributes,
        unverified=unverified,
        at=read_moment(found.node("at"), timezone, "at", findings),
        expect=_expectations(found, rules, names, findings, products or {}),
        place=name.place if name else node.place,
        actions=tuple(actions),
        visitor=id,
    )


def _page(found: Part, names: Names, findings: list[Finding]) -> str:
    written = found.text("page", findings)
    if written:
        check_values(names.words["page"], [written.text], written, findings)
    return written.text if written else "/"


def _attribute(entry: Entry, names: Names, findings: list[Finding]) -> Attributes:
    """The attribute that a line under `visitor:` sets."""
    word = entry.key.text
    if word == "segments":
        return {"segment": _segments(entry, names, findings)}
    phrase = phrase_of(word, names.words)
    if phrase is None and word in IDENTIFIED:
        return {word: written.text} if (written := as_text(entry.value, f'"{word}"', findings)) else {}
    if phrase is None or word in NOT_OF_A_VISITOR:
        usable = [key for key in names.words if key not in NOT_OF_A_VISITOR]
        known = ["segments", *spelled(word, usable), *DONE_BY]
        findings.append(unknown_word(entry.key, "a test's visitor", [*known, "unverified segments", "id"]))
        return {}
    if phrase.parts is not None and (isinstance(entry.value, MapNode) or not phrase.stands_alone):
        table = as_map(entry.value, f'"{word}"', findings)
        parts = [part for part in (table.entries if table else ()) if _is_part(phrase, part, findings)]
        return {f"{phrase.attribute}.{part.key.text}": _value(phrase, part, findings) for part in parts}
    return {phrase.attribute: _value(phrase, entry, findings)}


def _is_part(phrase: Phrase, part: Entry, findings: list[Finding]) -> bool:
    if not phrase.parts or part.key.text in phrase.parts:
        return True
    findings.append(unknown_word(part.key, f'"{phrase.key}"', phrase.parts))
    return False


def _segments(entry: Entry, names: Names, findings: list[Finding]) -> frozenset[str]:
    return _members(_value(names.words["segment"], entry, findings))


def _value(phrase: Phrase, entry: Entry, findings: list[Finding]) -> AttributeValue:
    """The value as a profile or a request would have it."""
    node = entry.value
    written = read_words(node, entry.key.text, findings)
    if phrase.kind is Kind.NUMBER:
        return _number(phrase, written, findings)
    for word in written:
        check_values(phrase, [word.text], word, findings)
    texts = [word.text for word in written]
    if phrase.kind is Kind.PLACE:
        findings += [nowhere(word.text, word, "52.09, 5.12") for word in written if not place_of(word.text)]
    if phrase.key == "language":
        texts += [text.split("-")[0] for text in texts]
    if phrase.kind is Kind.TRUTH:
        return texts[:1] in (["yes"], ["true"])
    if phrase.kind is Kind.SET or isinstance(node, ListNode):
        return frozenset(texts)
    exact = amount(phrase, texts[0]) if phrase.kind is Kind.ANYTHING and texts else None
    return exact.low if exact and exact.low == exact.high else "".join(texts)


def _number(phrase: Phrase, written: Sequence[Scalar], findings: list[Finding]) -> float:
    read = amount(phrase, written[0].text) if len(written) == 1 else None
    if read and read.low == read.high:
        return read.low
    findings += [no_amount(word, phrase) for word in written]
    return 0.0


def _expectations(
    found: Part, rules: Mapping[str, Rule], names: Names, findings: list[Finding], products: Mapping[str, Product]
) -> tuple[Expectation, ...]:
    expected = []
    for entry in found.lines("expect", findings):
        is_list = entry.key.text.startswith(LISTING)  # of which pages know, not files
        slot = entry.key.text if is_list else names.slot(entry.key, findings)
        if is_list and isinstance(entry.value, MapNode) and entry.value.entries:
            said = fields(entry.value, "list of products", LIST_TEST, findings)
            given, begins = (_products(said.get(word), products, findings) for word in ("of", "begins with"))
            _must_be_given(said.get("begins with"), given, begins, findings)
            expected.append(Expectation(slot, "", entry.key.place, given=given, begins=begins))
        elif isinstance(entry.value, MapNode) and entry.value.entries:
            said = fields(entry.value, "slot that is expected", SLOT_TEST, findings)
            rule, arm = _expected(entry.key, said.node("rule"), rules, names, findings)
            contains, never = (_products(said.get(word), products, findings) for word in ("contains", "never"))
            texts = [(word, said.text(word, findings)) for word in ("title", "text", "button")]
            texts += [("says", written) for written in read_words(said.node("says"), "says", findings)]
            words = tuple((word, written.text) for word, written in texts if written)
            expected.append(Expectation(slot, rule, entry.key.place, contains, never, arm, words=words))
            _must_not_be_nothing(said.node("rule"), expected[-1], findings)
        else:
            rule, arm = _expected(entry.key, entry.value, rules, names, findings)
            expected.append(Expectation(slot, rule, entry.key.place, arm=arm))
    return tuple(expected)


def _must_be_given(entry: Entry | None, given: Sequence[str], begins: Sequence[str], findings: list[Finding]) -> None:
    """R304 for a product in `begins with` that is not in the list."""
    if entry and (missing := next((id for id in begins if id not in given), "")):
        what, help = f'"{missing}" is not in the list this test gives', 'add it to "of"'
        findings.append(Finding("R304", what, entry.key.place, help))


def _products(entry: Entry | None, known: Mapping[str, Product], findings: list[Finding]) -> tuple[str, ...]:
    words = read_words(entry.value, entry.key.text, findings) if entry else ()
    for word in words:
        if known and word.text not in known:
            what, help = f'there is no product "{word.text}"', did_you_mean(word.text, [*known])
            findings.append(Finding("R502", what, word.place, help, is_warning=True))
    return tuple(word.text for word in words)


def _expected(
    slot: Scalar, node: Node | None, rules: Mapping[str, Rule], names: Names, findings: list[Finding]
) -> tuple[str, str]:
    """The rule that must be shown, and of an experiment the arm, written behind a slash."""
    written = as_text(node, f'"{slot.text}"', findings)
    if written is None or written.text == NOTHING_NEW:
        return "", ""
    name, _, arm = (written.text, "", "") if written.text in rules else written.text.rpartition(" / ")
    rule = rules.get(name) if name else None
    if rule is None or arm not in ("", *_arms(rule)):
        arms = [f"{name} / {arm}" for arm in _arms(rule)] if rule else []
        known = arms or _meant(written.text, slot.text, rules)
        what = f'there is no rule "{written.text}"' if rule is None else f'"{name}" has no variant "{arm}"'
        findings.append(Finding("R601", what, written.place, did_you_mean(written.text, known)))
    elif rule.slot != slot.text and {rule.slot, slot.text} <= set(names.slots):
        what = f'the rule "{rule.name}" is not for {slot.text}'
        place, help = slot.place, f"it is for {rule.slot}: expect it there"
        edits = (Edit(place.line, place.column, place.end, rule.slot),)
        findings.append(Finding("R602", what, written.place, help, edits=edits))
    return name, arm


def _must_not_be_nothing(rule: Node | None, expectation: Expectation, findings: list[Finding]) -> None:
    """R304 for words or products of a slot that shows nothing new."""
    if isinstance(rule, Scalar) and rule.text == NOTHING_NEW and expectation.is_of_any_rule:
        help = "name a rule, or leave the line out: what stands in the page itself is not known to tests"
        findings.append(unfit("rule", rule, help))


def _meant(written: str, slot: str, rules: Mapping[str, Rule]) -> list[str]:
    """What a test may have meant by the name of no rule: any rule that is called nearly so, else those of the slot."""
    known = [*filter(None, rules), NOTHING_NEW]
    if nearest(written, known):
        return known
    return [NOTHING_NEW, *(rule.name for rule in rules.values() if rule.slot == slot and rule.name)]


def _arms(rule: Rule) -> list[str]:
    return [arm.name for arm in rule.experiment.arms] if rule.experiment else []


def _members(value: AttributeValue) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()
