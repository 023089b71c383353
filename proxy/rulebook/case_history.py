"""The history of the visitor of an editor's test: words under `visitor:`, and with times under `events:`.

    visitor:
      viewed: [SKU-1042, SKU-1042]     each once, just now; so `added to cart`, `searched`, `opened`,
                                       and by the name of their rule `clicked` and `shown`
      cart: [HOTDOG-6]                 the same as added to cart
      bought: [HOTDOG-6, BUN-4]        one order with both
      events:
        - viewed: SKU-1042
          days ago: 3                  or hours ago, minutes ago
          times: 2                     as often as that, a second apart
        - bought: SKU-1042
          days ago: 400
          value: 129 EUR

A word of a product that the catalogue knows brings its category, brand and price; `category` and `brand` may be said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from proxy.conditions.amounts import amount, no_amount
from proxy.conditions.behaviours import ADDED, BOUGHT, CLICKED, PAGE, SEARCHED, SHOWN, VIEWED
from proxy.conditions.durations import UNITS
from proxy.conditions.nodes import Entry, Node, Scalar, as_list, as_map, as_text, one_or_more, unknown_word
from proxy.conditions.phrase import TRUTHS, Kind, Phrase
from proxy.diagnostics import Finding
from proxy.model import Event, Item, Product
from proxy.rulebook.product_lints import not_sold
from proxy.rulebook.scalars import read_choice, read_words
from proxy.rulebook.words import Part

KINDS = {
    "viewed": VIEWED,
    "added to cart": ADDED,
    "cart": ADDED,
    "bought": BOUGHT,
    "searched": SEARCHED,
    "opened": PAGE,
    "clicked": CLICKED,
}
ACTIONS = {**KINDS, "shown": SHOWN}
DONE_BY = (*ACTIONS, "events")
AGO = {f"{unit}s ago": UNITS[unit] for unit in ("day", "hour", "minute")}
IN_STOCK = "in stock"
OF_ITEMS = ("category", "brand")
OF_EVENTS = (*ACTIONS, *AGO, "times", "value", "price", IN_STOCK, *OF_ITEMS)
OF_SUBJECTS = (SEARCHED, PAGE, CLICKED, SHOWN)
MAX_TIMES = 1_000


@dataclass(frozen=True, slots=True)
class Action:
    """An event, so many seconds before the test's moment."""

    kind: str
    ago: float = 0.0
    subject: str = ""
    items: tuple[Item, ...] = ()
    value: float = 0.0

    def event(self, now: float, number: int) -> Event:
        """The event at the moment `now`; `number` is its number in the test."""
        return Event(now - self.ago, f"{number:04}", self.kind, self.subject, self.items, self.value)


def read_done(entry: Entry, products: Mapping[str, Product], findings: list[Finding]) -> list[Action]:
    """The actions of one line under `visitor:`. `products` are the catalogue's by id."""
    if entry.key.text != "events":
        findings += _not_sold(entry, products)
        return _actions(entry, products, findings)
    items = as_list(entry.value, '"events"', findings)
    return [action for node in (items.items if items else ()) for action in _dated(node, products, findings)]


def _actions(entry: Entry, products: Mapping[str, Product], findings: list[Finding]) -> list[Action]:
    words = read_words(entry.value, entry.key.text, findings)
    return actions(entry.key.text, [word.text for word in words], products.get)


def actions(did: str, what: Sequence[str], known: Callable[[str], Product | None]) -> list[Action]:
    """What the words of `did`, one of `ACTIONS`, stand for; `known` looks products up."""
    kind = ACTIONS[did]
    if kind in OF_SUBJECTS:
        return [Action(kind, subject=one) for one in what]
    items = tuple(_item(one, known(one)) for one in what)
    if kind == BOUGHT:
        return [Action(kind, items=items, value=sum(item.price for item in items))] if items else []
    return [Action(kind, items=(item,)) for item in items]


def _not_sold(entry: Entry, products: Mapping[str, Product]) -> Iterator[Finding]:
    """R502 for a product that the catalogue does not have: no category, brand or price is known of it."""
    if not products or ACTIONS[entry.key.text] in OF_SUBJECTS:
        return
    for word in one_or_more(entry.value):
        if isinstance(word, Scalar) and word.text not in products:
            yield not_sold("product", word.text, word.place, [*products])


def _item(id: str, known: Product | None) -> Item:
    return Item(id, known.category, known.brand, known.price) if known else Item(id)


def _dated(node: Node, products: Mapping[str, Product], findings: list[Finding]) -> list[Action]:
    """The actions of one entry of `events:`."""
    table = as_map(node, "each event", findings)
    if table is None:
        return []
    parts = Part.of(table)
    findings += [unknown_word(each.key, "an event", OF_EVENTS) for word, each in parts.items() if word not in OF_EVENTS]
    done = [action for word in ACTIONS if word in parts for action in _actions(parts[word], products, findings)]
    if not ACTIONS.keys() & parts.keys():
        help = f"say what was done: {', '.join(ACTIONS)}"
        findings.append(Finding("R103", "this event says nothing that was done", table.place, help))
    more: dict[str, str | float] = {word: text.text for word in OF_ITEMS if (text := parts.text(word, findings))}
    if not more:  # who says of what brand it was, means one that is not sold any more
        findings += [finding for word in ACTIONS if word in parts for finding in _not_sold(parts[word], products)]
    if read_choice(parts.node(IN_STOCK), IN_STOCK, TRUTHS, findings) in ("no", "false"):
        more["quantity"] = 0.0
    if "price" in parts:
        more["price"] = _number(parts["price"], findings)
    ago = sum(_number(parts[word], findings) * seconds for word, seconds in AGO.items() if word in parts)
    times = min(int(_number(parts["times"], findings)), MAX_TIMES) if "times" in parts else 1
    value = _number(parts["value"], findings) if "value" in parts else None
    return [_at(action, ago + second, value, more) for action in done for second in range(times)]


def _at(action: Action, ago: float, value: float | None, more: Mapping[str, str | float]) -> Action:
    items = tuple(msgspec.structs.replace(item, **more) for item in action.items)
    return replace(action, ago=ago, items=items, value=action.value if value is None else value)


def _number(entry: Entry, findings: list[Finding]) -> float:
    written = as_text(entry.value, f'"{entry.key.text}"', findings)
    if written is None:
        return 0.0
    phrase = Phrase(entry.key.text, "", Kind.NUMBER, "")
    read = amount(phrase, written.text)
    if read is None or read.low != read.high or read.low < 0:
        findings.append(no_amount(written, phrase))
        return 0.0
    return read.low
