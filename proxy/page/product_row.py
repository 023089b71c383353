"""A row of products as a fragment, whose cards change from visitor to visitor.

What stands before and after the cards is made when rules are published. A card is rendered, sanitised and deflated once
for a product as it is now, and kept for all rows that use its template, also of later publications; so filling a row
is a look-up a card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

from proxy.errors import EditorError
from proxy.model import Product
from proxy.page.cards import DEFAULT_CARD, PLAIN, Card, Presentation, price_for
from proxy.page.fields import Field, as_ascii, fields_in_text
from proxy.page.fragments import Content, Fragment, Frame, Ids, around_cards
from proxy.page.piece import Piece, joined
from proxy.page.sanitise import Removed, removed_from, sanitised

MOST_CARDS = 50_000
MOST_TEMPLATES = 32
MOST_ROWS = 1_000
MOST_PRESENTATIONS = 2
"""Remembered as those of lately."""


class CardRenderer:
    """Draws cards by one template, for all rows that use it. Raises `EditorError` with the template's line."""

    def __init__(self, template: str) -> None:
        self.template = template
        self._card = Card(template)
        self._rendered: dict[tuple[str, float, Presentation], tuple[Product, Piece]] = {}

    def rendered(self, product: Product, now: float, presentation: Presentation = PLAIN) -> Piece:
        """The product's card; an empty one where the template cannot draw it."""
        key = (product.id, price_for(product, now, presentation)[0], presentation)
        known = self._rendered.get(key)
        if known is not None and (known[0] is product or known[0] == product):
            return known[1]
        if len(self._rendered) >= MOST_CARDS:
            for oldest in list(islice(self._rendered, MOST_CARDS // 10)):
                del self._rendered[oldest]
        try:
            piece = Piece(
                as_ascii(f'<li class="tb-card">{sanitised(self._card.draw(product, now, presentation))}</li>')
            )
        except EditorError:
            piece = Piece(b"")
        piece.prepare()
        self._rendered[key] = (product, piece)
        return piece


@lru_cache(MOST_TEMPLATES)
def renderer_of(template: str) -> CardRenderer:
    """The renderer of this template. Raises `EditorError` with its line."""
    return CardRenderer(template)


@dataclass(frozen=True, slots=True)
class Filled(Fragment):
    """A row filled for one visitor. It is not deflated: that would cost more than it saves."""

    def __post_init__(self) -> None:
        only = self.parts[0]
        object.__setattr__(self, "constant", only if len(self.parts) == 1 and isinstance(only, Piece) else None)


@dataclass(frozen=True, slots=True, eq=False)
class ProductRow(Fragment):
    """The fragment of a row of products: pieces around the cards, the first `places` of them before these; `renderer`
    draws the cards."""

    places: int = 0
    renderer: CardRenderer = field(default_factory=lambda: renderer_of(DEFAULT_CARD))
    _rows: dict[tuple[int, ...], tuple[Sequence[Piece], Fragment]] = field(default_factory=dict, repr=False)
    _presentations: dict[Presentation, None] = field(default_factory=dict, repr=False)

    def filled(
        self, products: Sequence[Product], now: float, presentation: Presentation = PLAIN, *, is_common: bool
    ) -> Fragment:
        """The row with these products. With `is_common` it is the same for many visitors, and becomes one
        piece."""
        cards = [self.renderer.rendered(product, now, presentation) for product in products]
        if presentation not in self._presentations and not presentation.campaign:
            self._presentations[presentation] = None
            if len(self._presentations) > MOST_PRESENTATIONS:
                del self._presentations[next(iter(self._presentations))]
        content = *self.content, ("products", Ids(tuple([product.id for product in products])))
        if not is_common:
            return self._own(cards, content)
        key = tuple(map(id, cards))  # while a row keeps its cards, no other has their identity
        known = self._rows.get(key)
        if known is None:
            if len(self._rows) >= MOST_ROWS:
                self._rows.clear()
            known = self._rows[key] = cards, Fragment(self._around(cards), content=content)
        return known[1]

    def _own(self, cards: Sequence[Piece], content: Content) -> Fragment:
        """One visitor's row: its constant parts are joined to one piece, without deflating again."""
        parts = self._around(cards)
        if any(isinstance(part, Field) for part in parts):
            return Filled(parts, content=content)
        whole = joined([part for part in parts if isinstance(part, Piece)], is_lasting=False)
        whole.prepare()
        return Filled((whole,), content=content)

    @property
    def presentations(self) -> Sequence[Presentation]:
        """The presentations in which it was shown lately."""
        return tuple(self._presentations) or (PLAIN,)

    def _around(self, cards: Sequence[Piece]) -> tuple[Piece | Field, ...]:
        return (*self.parts[: self.places], *cards, *self.parts[self.places :])


def product_row(frame: Frame, *, title: str = "", card: str = DEFAULT_CARD) -> ProductRow:
    """A row with a heading, which may hold fields. Raises `EditorError` with the line in the card's file."""
    before, after = around_cards(frame, title=title)
    said: Content = (("title", fields_in_text(title)),) if title else ()
    return ProductRow((*before.parts, *after.parts), content=said, places=len(before.parts), renderer=renderer_of(card))


def card_faults(card: str, sample: Product) -> tuple[Removed, ...]:
    """What the sanitiser would remove from a card's file. Raises `EditorError` with its line."""
    return tuple(removed_from(Card(card).draw(sample)))
