"""A row of products: a fragment whose cards differ from visitor to visitor.

The parts before and after the cards are made when rules are published. A card is rendered, sanitised and deflated once
for each state of a product, and cached for all rows with its template, also of later publications. So filling a row
takes one look-up per card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from proxy.errors import EditorError
from proxy.memo import make_room
from proxy.model import Product
from proxy.page.cards import DEFAULT_CARD, Card, price_for
from proxy.page.fields import Field, as_ascii, fields_in_text
from proxy.page.fragments import Content, Fragment, ProductIds, Wrapper, around_cards
from proxy.page.piece import Piece, joined
from proxy.page.presentation import PLAIN, Presentation
from proxy.page.sanitise import Removed, removed_from, sanitised

MOST_CARDS = 50_000
MOST_TEMPLATES = 32
MOST_ROWS = 1_000
MOST_PRESENTATIONS = 2
"""The newest presentations that are remembered of a row."""


class CardRenderer:
    """Renders and caches the cards of one template, for all rows that use it. Raises `EditorError` with the template's
    line."""

    def __init__(self, template: str) -> None:
        self.template = template
        self._card = Card(template)
        self._rendered: dict[tuple[str, float, Presentation], tuple[Product, Piece]] = {}

    def rendered(self, product: Product, now: float, presentation: Presentation = PLAIN) -> Piece:
        """The product's card; an empty one if the template fails for it."""
        key = (product.id, price_for(product, now, presentation)[0], presentation)
        known = self._rendered.get(key)
        if known is not None and (known[0] is product or known[0] == product):
            return known[1]
        make_room(self._rendered, MOST_CARDS)
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
class VisitorFragment(Fragment):
    """A fragment made for one visitor, as a filled row. It is used once, so caching it or deflating it again is not
    worth it."""

    def __post_init__(self) -> None:
        only = self.parts[0]
        object.__setattr__(self, "constant", only if len(self.parts) == 1 and isinstance(only, Piece) else None)


@dataclass(frozen=True, slots=True, eq=False)
class ProductRow(Fragment):
    """The fragment of a row of products: the pieces around the cards, the first `places` of them before the cards.
    `renderer` renders the cards."""

    places: int = 0
    renderer: CardRenderer = field(default_factory=lambda: renderer_of(DEFAULT_CARD))
    _rows: dict[tuple[int, ...], tuple[Sequence[Piece], Fragment]] = field(default_factory=dict, repr=False)
    _presentations: dict[Presentation, None] = field(default_factory=dict, repr=False)

    def filled(
        self, products: Sequence[Product], now: float, presentation: Presentation = PLAIN, *, is_common: bool
    ) -> Fragment:
        """The row with these products. `is_common`: it is the same for many visitors, and is cached as one piece."""
        cards = [self.renderer.rendered(product, now, presentation) for product in products]
        if presentation not in self._presentations and not presentation.campaign:
            make_room(self._presentations, MOST_PRESENTATIONS)
            self._presentations[presentation] = None
        content = *self.content, ("products", ProductIds(tuple([product.id for product in products])))
        if not is_common:
            return self._for_one_visitor(cards, content)
        key = tuple(map(id, cards))  # while a row keeps its cards, no other has their identity
        known = self._rows.get(key)
        if known is None:
            make_room(self._rows, MOST_ROWS)
            known = self._rows[key] = cards, Fragment(self._with_cards(cards), content=content)
        return known[1]

    def _for_one_visitor(self, cards: Sequence[Piece], content: Content) -> Fragment:
        """The row of one visitor: its constant parts are joined to one piece, without deflating again."""
        parts = self._with_cards(cards)
        if any(isinstance(part, Field) for part in parts):
            return VisitorFragment(parts, content=content)
        whole = joined([part for part in parts if isinstance(part, Piece)], is_lasting=False)
        whole.prepare()
        return VisitorFragment((whole,), content=content)

    @property
    def presentations(self) -> Sequence[Presentation]:
        """The presentations in which the row was shown most recently."""
        return tuple(self._presentations) or (PLAIN,)

    def _with_cards(self, cards: Sequence[Piece]) -> tuple[Piece | Field, ...]:
        return (*self.parts[: self.places], *cards, *self.parts[self.places :])


def product_row(wrapper: Wrapper, *, title: str = "", card: str = DEFAULT_CARD) -> ProductRow:
    """A row with a heading, which may have fields. Raises `EditorError` with the line in the card's file."""
    before, after = around_cards(wrapper, title=title)
    content: Content = (("title", fields_in_text(title)),) if title else ()
    parts = (*before.parts, *after.parts)
    return ProductRow(parts, content=content, places=len(before.parts), renderer=renderer_of(card))


def card_faults(card: str, sample: Product) -> tuple[Removed, ...]:
    """What the sanitiser would remove from a card's file. Raises `EditorError` with its line."""
    return tuple(removed_from(Card(card).draw(sample)))
