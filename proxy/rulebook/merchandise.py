"""Reads editors' merchandising: which products may and may not be shown, which move up or down, and which are pinned.
The words are the same for a product row and a listing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from math import inf
from typing import get_args

from proxy.catalogue.product_test import By, ProductTest
from proxy.catalogue.ranking import LARGEST_MOVE, STRENGTHS, TO_THE_END, Arrangement, Shift
from proxy.catalogue.strategy_context import PRODUCT_WORDS
from proxy.conditions.amounts import amount, no_amount
from proxy.conditions.nodes import Entry, MapNode, Node, Scalar, as_map, as_text, one_or_more, unknown_word
from proxy.conditions.other_words import product_line_instead_of
from proxy.conditions.phrase import TRUTHS, Kind, Phrase
from proxy.diagnostics import Edit, Finding, Suggestion, did_you_mean, nearest
from proxy.rulebook.assortment import Assortment
from proxy.rulebook.expectations import NOTHING_NEW
from proxy.rulebook.mending import quoted
from proxy.rulebook.scalars import read_choice, read_whole, read_words, unfit
from proxy.rulebook.words import Part, Word, fields

IN_STOCK, SOLD_OUT, ON_SALE = "in stock", "out of stock", "on sale"
SINCE_VIEWED: dict[str, By] = {word: word for word in ("cheaper since viewed", "back in stock since viewed")}
OF_SHOPPERS = tuple(word for word in PRODUCT_WORDS if word != "this product")
OWN_WORDS = (IN_STOCK, SOLD_OUT, ON_SALE, *SINCE_VIEWED, *OF_SHOPPERS)
FITS = ("product", "category", "tag", "brand", "price", "discount")
NAMED: tuple[By, ...] = ("product", "brand", "tag", "category")
AFFINITIES = ("brand", "category")
AFFINITY_OR_SCORE = ("affinity", "score")
MOST_PLACES = 50
HOW_TO_TAG = "what else you know of products comes as tags: `tags` in the feed, or `custom_label_0` to `_4` of Google's"
_LEAST = 0.001
"""What is more than a price or a discount is more by this."""
PIN = (Word("product", "the product's id", required=True), Word("at", "its place, from 1; the first when missing"))


def read_fits(node: Node, what: str, catalogue: Assortment, findings: list[Finding]) -> tuple[ProductTest, ...]:
    """One or a list of criteria that products must meet (`only`) or must not meet (`never`)."""
    fits: list[ProductTest] = []
    for item in one_or_more(node):
        if isinstance(item, MapNode):
            fits += [fit for entry in item.entries if (fit := _fit(entry, catalogue, findings))]
        elif (word := as_text(item, f'"{what}"', findings)) is not None:
            fits += _of_word(word, what, catalogue, findings)
    return tuple(fits)


def _of_word(word: Scalar, what: str, catalogue: Assortment, findings: list[Finding]) -> Iterator[ProductTest]:
    if word.text == ON_SALE:
        yield ProductTest("on sale")
    elif word.text in SINCE_VIEWED:
        yield ProductTest(SINCE_VIEWED[word.text])
    elif word.text == (IN_STOCK if what == "only" else SOLD_OUT):
        yield ProductTest("in stock" if what == "only" else "out of stock")
    elif word.text in OF_SHOPPERS:
        yield ProductTest("words", frozenset({word.text}))
    elif what == "never" and (catalogue.get(word.text) or not _is_misspelt(word.text)):
        yield from _values("product", [word], catalogue, findings)
    else:
        stock = IN_STOCK if what == "only" else SOLD_OUT
        known = [stock, ON_SALE, *SINCE_VIEWED, *OF_SHOPPERS, *(f"{name}: ..." for name in FITS)]
        findings.append(_in_our_words(unfit(what, word, did_you_mean(word.text, known)), word, (stock, ON_SALE, *FITS)))


def _is_misspelt(word: str) -> bool:
    """Whether it is no product's id, but one of our words, or another's for one of them, written otherwise."""
    return bool(nearest(word, OWN_WORDS) or product_line_instead_of(word))


def _fit(entry: Entry, catalogue: Assortment, findings: list[Finding]) -> ProductTest | None:
    """`price: at most 50 EUR`, `discount: at least 20%`, `brand: [Northwind, Tarnwell]`."""
    name = entry.key.text
    if name not in FITS:
        findings.append(_in_our_words(unknown_word(entry.key, "a filter of products", FITS), entry.key, FITS))
        return None
    if name in ("price", "discount"):
        written = as_text(entry.value, f'"{name}"', findings)
        read = amount(Phrase(name, "", Kind.NUMBER, ""), written.text) if written else None
        if written and read is None:
            findings.append(no_amount(written))
        by: By = "price" if name == "price" else "discount"
        above = _LEAST if read and read.open_low else 0.0
        return ProductTest(by, low=read.low + above, high=read.high) if read else None
    words = read_words(entry.value, name, findings)
    kind: By = next(by for by in get_args(By) if by == name)
    return next(_values(kind, words, catalogue, findings), None)


def _values(by: By, words: Sequence[Scalar], catalogue: Assortment, findings: list[Finding]) -> Iterator[ProductTest]:
    """The values of a criterion; R502 for one that no product of the catalogue has: a warning, since tomorrow's feed
    may bring it."""
    for word in words:
        if catalogue and word.text.casefold().strip("/") not in (known := catalogue.names[by]):
            what = f'there is no product "{word.text}"' if by == "product" else f'no product\'s {by} is "{word.text}"'
            help = did_you_mean(word.text, sorted(known.values())) if known else "write it as the catalogue does"
            findings.append(Finding("R502", what, word.place, help, is_warning=True))
    yield ProductTest(by, frozenset(word.text.casefold() for word in words))


def read_shifts(node: Node | None, what: str, catalogue: Assortment, findings: list[Finding]) -> tuple[Shift, ...]:
    """One or a list of what moves, and `by` how far: a little, a lot, or a number of places."""
    sign = -1.0 if what == "bury" else 1.0
    return tuple(
        Shift(fit, sign * places)
        for item in one_or_more(node)
        for fit, places in _shift(item, what, catalogue, findings)
    )


def _shift(
    node: Node, what: str, catalogue: Assortment, findings: list[Finding]
) -> Iterator[tuple[ProductTest, float]]:
    if isinstance(node, Scalar) and node.text in (IN_STOCK, SOLD_OUT, ON_SALE, *SINCE_VIEWED):
        findings.append(_as_a_line(node, what))
        return
    if isinstance(node, Scalar) and (kinds := [by for by in NAMED if node.text.casefold() in catalogue.names[by]]):
        findings.append(_as_a_line(node, what, kinds[0]))
        return
    if isinstance(node, Scalar) and node.text and product_line_instead_of(node.text):
        findings.append(_in_our_words(unfit(what, node, ""), node, (*FITS, ON_SALE, SOLD_OUT, *AFFINITY_OR_SCORE)))
        return
    table = as_map(node, f'each "{what}"', findings)
    lines = Part.of(table)
    places = _places(by, what, findings) if (by := lines.node("by")) else STRENGTHS["a lot"]
    for name, entry in lines.items():
        if name == "by":
            continue
        if name in AFFINITY_OR_SCORE and places == inf:
            help = f"write how far at most, as by: a lot; {TO_THE_END} goes what is of a brand, tag or the like"
            findings.append(Finding("R304", f'"{name}" has no end to go to', entry.key.place, help))
        elif fit := _moved_by(entry, what, catalogue, findings):
            yield fit, places


def _as_a_line(word: Scalar, what: str, kind: str = "") -> Finding:
    """R304 for a word that `only` takes as it is, and for the name of a product, brand, tag or category alone."""
    place, instead = word.place, f"{{{word.text}: yes}}" if not kind else f"{{{kind}: {quoted(word.text)}}}"
    edits = (Edit(place.line, place.column, place.end, instead),)
    return Finding("R304", f'"{what}" cannot be "{word.text}"', place, f"write: {instead}", edits=edits)


def _moved_by(entry: Entry, what: str, catalogue: Assortment, findings: list[Finding]) -> ProductTest | None:
    """The criterion of a line of `boost` or `bury`."""
    match entry.key.text:
        case "affinity":
            word = as_text(entry.value, '"affinity"', findings)
            if word and word.text not in AFFINITIES:
                findings.append(unfit("affinity", word, did_you_mean(word.text, AFFINITIES)))
            return ProductTest("affinity", frozenset({word.text})) if word and word.text in AFFINITIES else None
        case "score":
            return ProductTest("score") if read_choice(entry.value, "score", ["popularity"], findings) else None
        case "in stock" | "out of stock" as name:
            said = read_choice(entry.value, name, TRUTHS, findings)
            is_so = said in ("yes", "true")
            return ProductTest("in stock" if is_so == (name == IN_STOCK) else "out of stock") if said else None
        case "on sale" | "cheaper since viewed" | "back in stock since viewed" as name:
            return ProductTest(name) if read_choice(entry.value, name, ["yes", "true"], findings) else None
        case name if name in FITS:
            return _fit(entry, catalogue, findings)
    known = (*FITS, IN_STOCK, SOLD_OUT, ON_SALE, *SINCE_VIEWED, *AFFINITY_OR_SCORE, "by")
    findings.append(_in_our_words(unknown_word(entry.key, f'"{what}"', known), entry.key, known))
    return None


def _in_our_words(finding: Finding, word: Scalar, known: Sequence[str]) -> Finding:
    """The same, with the line that says it here, where people have another word for it and it was no slip."""
    line = product_line_instead_of(word.text)
    if isinstance(finding.help, Suggestion) or line.partition(":")[0] not in known:
        return finding
    if finding.what.startswith(('"only"', '"never"')) and line.endswith(": yes"):
        return replace(finding, help=f"write: {line.removesuffix(': yes')}")
    return replace(finding, help=f"write a line like `{line}`", note=HOW_TO_TAG if line.startswith("tag:") else "")


def moves_cards(found: Part, findings: list[Finding]) -> bool:
    """Whether a variant arranges a listing: it does, or shows nothing new, and never both."""
    moves, show = [found[word] for word in ("boost", "bury", "pin") if word in found], found.get("show")
    help = f"write boost, bury or pin; or `show: {NOTHING_NEW}`, for the list as the shop sorts it"
    if show and not (isinstance(show.value, Scalar) and show.value.text == NOTHING_NEW):
        findings.append(
            Finding("R104", "a variant of a list shows its products in another order", show.key.place, help)
        )
    elif show and moves:
        what, help = "this variant shows nothing new, and moves something", "keep one of them"
        findings.append(Finding("R104", what, moves[0].key.place, help))
    elif not (show or moves) and found:
        place = next(iter(found.values())).key.place
        findings.append(Finding("R103", "this variant moves nothing", place, help))
    return bool(moves)


def read_arrangement(found: Part, catalogue: Assortment, findings: list[Finding]) -> Arrangement:
    """How a rule arranges a listing."""
    boosts, buries = (read_shifts(found.node(word), word, catalogue, findings) for word in ("boost", "bury"))
    largest = read_whole(found.node("largest move"), "largest move", 1, MOST_PLACES, findings)
    pins = read_pins(found.node("pin"), catalogue, findings)
    return Arrangement((*boosts, *buries), pins, float(largest or LARGEST_MOVE))


def _places(node: Node, what: str, findings: list[Finding]) -> float:
    written = as_text(node, '"by"', findings)
    if written is None or written.text in STRENGTHS:
        return STRENGTHS[written.text] if written else 0.0
    if written.text == TO_THE_END and what == "bury":
        return inf
    number = written.text.removesuffix("places").removesuffix("place").strip()
    if number.isdigit() and number.isascii() and 1 <= int(number) <= MOST_PLACES:
        return float(number)
    words = (*STRENGTHS, TO_THE_END) if what == "bury" else STRENGTHS
    help = f"write {', '.join(words)}, or a number of places up to {MOST_PLACES}, as 5 places"
    findings.append(unfit("by", written, help))
    return 0.0


def read_pins(node: Node | None, catalogue: Assortment, findings: list[Finding]) -> tuple[tuple[int, str], ...]:
    """One or a list of products, each `at` a position."""
    pins: dict[int, str] = {}
    for place, item in enumerate(one_or_more(node), start=1):
        if pin := _pin(item, place, catalogue, findings):
            at, product = pin
            if at in pins or product in pins.values():
                findings.append(_pinned_twice(at, product, pins, item))
            pins[at] = product
    return tuple(pins.items())


def _pinned_twice(at: int, product: str, pins: Mapping[int, str], item: Node) -> Finding:
    """R102 for a second product at one place, which would take the first one's pin away, or a second place of one."""
    if product in pins.values():
        return Finding("R102", f'"{product}" is pinned twice', item.place, "keep one of its places")
    free = next(place for place in count(1) if place not in pins)
    what = f'"{pins[at]}" is pinned at {at}, and "{product}", too'
    return Finding("R102", what, item.place, f"give one of them another place, as {{product: {product}, at: {free}}}")


def _pin(node: Node, place: int, catalogue: Assortment, findings: list[Finding]) -> tuple[int, str] | None:
    if isinstance(node, Scalar) and node.text:
        instead = f"{{product: {quoted(node.text)}, at: {place}}}"
        edits = (Edit(node.place.line, node.place.column, node.place.end, instead),)
        what = f'a pin says which product and where, and "{node.text}" alone does not'
        findings.append(Finding("R104", what, node.place, f"write: {instead}", edits=edits))
        return None
    found = fields(node, "pin", PIN, findings)
    product = found.text("product", findings)
    if product is None:
        return None
    if catalogue and catalogue.get(product.text) is None:
        what, known = f'there is no product "{product.text}"', sorted(catalogue.names["product"].values())
        findings.append(Finding("R502", what, product.place, did_you_mean(product.text, known), is_warning=True))
    return read_whole(found.node("at"), "at", 1, MOST_PLACES, findings) or 1, product.text
