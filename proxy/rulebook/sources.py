"""Where the products of a row come from: the lines under `strategy:`, and lists of product ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proxy.catalogue.strategies import STRATEGIES, Source, Strategy
from proxy.conditions.nodes import Entry, ListNode, Node, Scalar, as_map, as_text, unknown_word
from proxy.diagnostics import Finding, did_you_mean
from proxy.model import Product

BY_PHRASE = {strategy.phrase: strategy for strategy in STRATEGIES}


def read_sources(node: Node, catalogue: Sequence[Product], findings: list[Finding]) -> tuple[Source, ...]:
    """One strategy or a list of them, each with words that some product answers."""
    if not catalogue:
        help = "put products.jsonl into this folder, or name a file with --catalogue"
        findings.append(Finding("R502", "there is no catalogue to choose from", node.place, help))
        return ()
    lines = node.items if isinstance(node, ListNode) else (node,)
    tables = [as_map(line, '"strategy"', findings) for line in lines]
    entries = [entry for table in tables if table for entry in table.entries]
    return tuple(source for entry in entries for source in _read_source(entry, catalogue, findings))


def read_products(node: Node, what: str, catalogue: Sequence[Product], findings: list[Finding]) -> tuple[str, ...]:
    """The ids of products, all of the catalogue."""
    words = _words(node, what, findings)
    known = [product.id for product in catalogue]
    findings += [_no_such(word, known) for word in words if word.text not in known]
    return tuple(word.text for word in words)


def _read_source(entry: Entry, catalogue: Sequence[Product], findings: list[Finding]) -> Iterator[Source]:
    strategy = BY_PHRASE.get(entry.key.text)
    if strategy is None:
        findings.append(unknown_word(entry.key, "a strategy", list(BY_PHRASE)))
        return
    words = _words(entry.value, strategy.phrase, findings)
    findings += [
        _unanswered(strategy, word, catalogue) for word in words if not _is_answered(strategy, word, catalogue)
    ]
    yield Source(strategy, tuple(word.text for word in words))


def _is_answered(strategy: Strategy, word: Scalar, catalogue: Sequence[Product]) -> bool:
    return any(True for _ in strategy.select(catalogue, [word.text]))


def _unanswered(strategy: Strategy, word: Scalar, catalogue: Sequence[Product]) -> Finding:
    if strategy.phrase == "chosen":
        return _no_such(word, [product.id for product in catalogue])
    what = f'no product fits "{strategy.phrase}: {word.text}"'
    return Finding("R502", what, word.place, "write it as the catalogue does")


def _no_such(word: Scalar, known: Sequence[str]) -> Finding:
    return Finding("R502", f'there is no product "{word.text}"', word.place, did_you_mean(word.text, known))


def _words(node: Node, what: str, findings: list[Finding]) -> list[Scalar]:
    items = node.items if isinstance(node, ListNode) and node.items else (node,)
    return [word for item in items if (word := as_text(item, f'"{what}"', findings))]
