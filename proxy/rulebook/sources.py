"""Reads where the products of a row come from (`strategy:`)."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.catalogue.product_index import EVERYTHING
from proxy.catalogue.shopper import Shopper
from proxy.catalogue.strategies import BY_PHRASE, Source, Strategy
from proxy.catalogue.strategy_context import CATEGORY_WORDS, PRODUCT_WORDS, StrategyContext
from proxy.conditions.nodes import Entry, ListNode, Node, Scalar, as_map, as_text, one_or_more, unknown_word
from proxy.diagnostics import Finding, did_you_mean, nearest
from proxy.rulebook.assortment import Assortment
from proxy.rulebook.product_lints import MOST_LOOKED_AT

OWN_WORDS = {"products": PRODUCT_WORDS, "categories": CATEGORY_WORDS}


def read_sources(node: Node, catalogue: Assortment, findings: list[Finding]) -> tuple[Source, ...]:
    """One strategy or a list of them, each with words that some product has, if it needs any. Without a catalogue such
    words are not checked."""
    if not catalogue:
        help = "put products.jsonl into this folder, or name a file with --catalogue"
        what = "there is no catalogue to choose from, only what the shop's pages will tell of in JSON-LD"
        findings.append(Finding("R502", what, node.place, help, is_warning=True))
    return tuple(source for line in one_or_more(node) for source in _read_line(line, catalogue, findings))


def _read_line(line: Node, catalogue: Assortment, findings: list[Finding]) -> Iterator[Source]:
    if isinstance(line, Scalar) and line.text:
        strategy = BY_PHRASE.get(line.text)
        if strategy is None:
            findings.append(unknown_word(line, "a strategy", list(BY_PHRASE)))
        elif not strategy.may_be_bare:
            help = f"write what for: `{strategy.phrase}: {strategy.example}`"
            findings.append(Finding("R103", f'"{strategy.phrase}" needs words behind it', line.place, help))
        else:
            yield Source(strategy, ())
        return
    table = as_map(line, '"strategy"', findings)
    for entry in table.entries if table else ():
        yield from _read_source(entry, catalogue, findings)


def _read_source(entry: Entry, catalogue: Assortment, findings: list[Finding]) -> Iterator[Source]:
    strategy = BY_PHRASE.get(entry.key.text)
    if strategy is None:
        findings.append(unknown_word(entry.key, "a strategy", list(BY_PHRASE)))
        return
    if strategy.takes == "nothing":
        help = f"write it alone: `- {strategy.phrase}`"
        findings.append(Finding("R104", f'"{strategy.phrase}" takes no words', entry.value.place, help))
        return
    words = _words(entry.value, strategy.phrase, findings)
    findings += [
        _unanswered(strategy, word, catalogue) for word in words if not _is_answered(strategy, word, catalogue)
    ]
    yield Source(strategy, tuple(word.text for word in words))


def _is_answered(strategy: Strategy, word: Scalar, catalogue: Assortment) -> bool:
    """Whether the word can be known of a visitor: it is a word of conditions, or one that the catalogue has."""
    if word.text in OWN_WORDS.get(strategy.takes, ()) or not catalogue:
        return True
    if strategy.takes == "products":
        return catalogue.get(word.text) is not None
    if strategy.takes == "categories":
        name = word.text.casefold()
        return name == EVERYTHING or name.strip("/") in catalogue.names["category"]
    return bool(strategy.select(StrategyContext(catalogue.shop, Shopper()), [word.text]))


def _unanswered(strategy: Strategy, word: Scalar, catalogue: Assortment) -> Finding:
    if strategy.takes == "products":
        help = did_you_mean(word.text, [*PRODUCT_WORDS, *catalogue.names["product"].values()])
        what = f'there is no product "{word.text}"'
        return Finding("R502", what, word.place, help, is_warning=not nearest(word.text, PRODUCT_WORDS))
    what = f'no product fits "{strategy.phrase}: {word.text}"'
    close = nearest(word.text, _named(strategy, catalogue))
    help = did_you_mean(word.text, [close]) if close else "write it as the catalogue does"
    own = nearest(word.text, OWN_WORDS.get(strategy.takes, ()))
    return Finding("R502", what, word.place, did_you_mean(word.text, [own]) if own else help, is_warning=not own)


def _named(strategy: Strategy, catalogue: Assortment) -> list[str]:
    """The categories, tags or brands of the catalogue, whichever the strategy takes; [] for too many to look at."""
    kind = {"categories": "category", "tags": "tag"}.get(strategy.takes, "brand")
    named = catalogue.names[kind].values()
    return sorted(named) if len(named) <= MOST_LOOKED_AT else []


def _words(node: Node, what: str, findings: list[Finding]) -> list[Scalar]:
    items = node.items if isinstance(node, ListNode) and node.items else (node,)
    return [word for item in items if (word := as_text(item, f'"{what}"', findings))]
