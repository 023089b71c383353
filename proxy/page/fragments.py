"""Fragments: what editors publish, compiled once into pieces of constant bytes and fields.

There is a maker for each way to fill a slot: `banner` (the built-in form), `editor_html` (an editor's HTML file) and
`around_cards` (a row of cards, which `product_row.py` fills). Whatever editors write is sanitised, parsed and escaped
here, when rules are published; a request only puts a visitor's values into the fields. A fragment is ASCII (other
characters are numeric references), so it fits a page in any charset.

A fragment has a wrapper element that names its rule. Attributes on the slot's own element would differ from what React
or Vue rendered."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from itertools import groupby

from proxy.errors import EditorError
from proxy.model import Attributes, Countdown
from proxy.page.fields import Field, TextWithFields, as_ascii, escape, fields_in_template, fields_in_text
from proxy.page.piece import Piece
from proxy.page.sanitise import ADDRESSES, Removed, is_allowed_address, removed_from, sanitised

# An address up to the beginning of its path or query: a field may come only after that.
_PATH_BEGUN = re.compile(
    r"(?:https://[^/\\?#]+)?[?#]|(?:https://[^/\\?#]+)?/(?![/\\])|[\w.-]+[/?#]|(?:mailto|tel):[^?]*\?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ProductIds:
    """The ids of products, in the order in which they are shown."""

    ids: tuple[str, ...]


Content = tuple[tuple[str, TextWithFields | int | ProductIds], ...]


@dataclass(frozen=True, slots=True)
class Fragment:
    """What fills a slot.

    * `parts`: constant pieces and fields, in order.
    * `constant`: the fragment as one piece, the same for every visitor; None if it has fields.
    * `content`: its texts and addresses by name, for clients that render it themselves.
    * `removed`: what the sanitiser removed from an editor's file.
    """

    parts: tuple[Piece | Field, ...]
    removed: tuple[Removed, ...] = ()
    content: Content = ()
    constant: Piece | None = dataclass_field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pieces = [part for part in self.parts if isinstance(part, Piece)]
        whole = pieces[0] if len(pieces) == 1 else Piece(b"".join([piece.plain for piece in pieces]))
        object.__setattr__(self, "constant", whole if len(pieces) == len(self.parts) else None)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of a visitor's data, in order; the fragment depends on their attributes."""
        return tuple([part for part in self.parts if isinstance(part, Field) and part.countdown is None])

    @property
    def countdowns(self) -> tuple[Countdown, ...]:
        """The countdowns in it."""
        return tuple([part.countdown for part in self.parts if isinstance(part, Field) and part.countdown])

    def fill(self, attributes: Attributes) -> Sequence[Piece | bytes]:
        """The fragment for one visitor: the constant pieces, and between them the visitor's values."""
        return [part if isinstance(part, Piece) else part.text(attributes) for part in self.parts]


@dataclass(frozen=True, slots=True)
class Wrapper:
    """The wrapper of a fragment: its rule and variant (for clicks and `why`), the class of its slot's declared size,
    and the address of the stylesheet, which the built-in forms and declared sizes need."""

    rule: str
    variant: str = ""
    size_class: str = ""
    stylesheet_url: str = ""

    def wrap(self, content: TextWithFields, *, is_styled: bool) -> TextWithFields:
        """`content` in the wrapper. A stylesheet link in the body blocks the rendering of what follows until it is
        loaded, so nothing is shown without styles; further links to it cost nothing."""
        sheet = self.stylesheet_url if is_styled or self.size_class else ""
        return (
            f'<link rel="stylesheet" href="{escape(sheet)}">' if sheet else "",
            f'<div data-tb-rule="{escape(self.rule)}" data-tb-variant="{escape(self.variant or self.rule)}"',
            f' class="{escape(self.size_class)}">' if self.size_class else ">",
            *content,
            "</div>",
        )


def banner(
    wrapper: Wrapper,
    *,
    title: str,
    text: str = "",
    button: str = "",
    link: str = "",
    image: str = "",
    alt: str = "",
    image_width: int = 0,
    image_height: int = 0,
) -> Fragment:
    """The built-in banner. Its texts may have fields. Raises `EditorError` for a malformed field, an address with a
    scheme that is not allowed, and a button without a link."""
    if button and not link:
        raise EditorError(f"the button `{button}` leads nowhere", help="add a `link`, like /sale")
    headline = _escaped(title)
    form = (
        *_enclosed('<section class="tb-banner" aria-label="', headline, '">'),
        *_picture(image, alt, image_width, image_height),
        '<div class="tb-banner-body">',
        *_enclosed('<h2 class="tb-banner-title">', headline if button else _linked(link, headline), "</h2>"),
        *_enclosed('<p class="tb-banner-text">', _escaped(text), "</p>"),
        *(_linked(link, _escaped(button), ' class="tb-banner-button"') if button else ()),
        "</div></section>",
    )
    texts = {"title": title, "text": text, "button": button, "alt": alt}
    fields: Content = (
        *((name, fields_in_text(value)) for name, value in texts.items() if value),
        *((name, (value,)) for name, value in (("link", link), ("image", image)) if value),
        *((name, value) for name, value in (("image width", image_width), ("image height", image_height)) if value),
    )
    return replace(_compiled(wrapper.wrap(form, is_styled=True)), content=fields)


def editor_html(wrapper: Wrapper, source: str) -> Fragment:
    """An editor's HTML file, sanitised; `Fragment.removed` has what was removed. Raises `EditorError` with the line for
    template language that is not allowed, and for a field in a place where none may be."""
    parts = fields_in_template(source)
    fields = [part for part in parts if isinstance(part, Field)]
    # Fields pass the sanitiser as words that cannot occur in the source, since they contain its hash.
    word = "tb" + hashlib.blake2b(source.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    numbers = iter(range(len(fields)))
    marked = "".join(part if isinstance(part, str) else f"{word}{next(numbers)}x" for part in parts)
    in_address, misplaced, named, elsewhere = set[int](), set[int](), set[int](), set[int]()

    def look(tag: str, attribute: str, value: str) -> str:
        found = [int(number) for number in re.findall(word + r"(\d+)x", value)]
        begun = re.sub(r"[\t\r\n]", "", value.partition(word)[0])  # browsers leave them out
        if found and attribute in ADDRESSES and _PATH_BEGUN.match(begun):
            in_address.update(found)
            elsewhere.update(found if attribute == "src" and begun[:6].lower() == "https:" else ())
        elif found and attribute in (*ADDRESSES, "srcset"):
            misplaced.update(found)
        named.update(int(number) for number in re.findall(word + r"(\d+)x", attribute))
        return value

    removed = removed_from(marked)
    pieces = re.split(word + r"(\d+)x", sanitised(marked, look))
    kept = [int(number) for number in pieces[1::2]]
    times = Counter(kept)
    for number, field in enumerate(fields):
        is_told = number in elsewhere and field.countdown is None
        if is_told or number in misplaced or number in named or times[number] != 1:
            line = marked[: marked.index(f"{word}{number}x")].count("\n") + 1
            if is_told:
                raise _field_told_elsewhere(field, line)
            raise _field_begins_address(field, line) if number in misplaced else _misplaced_field(field, line)
    content = list[str | Field](pieces)
    content[1::2] = [replace(fields[number], in_address=number in in_address) for number in kept]
    return replace(_compiled(wrapper.wrap(tuple(content), is_styled=False)), removed=removed)


def around_cards(wrapper: Wrapper, *, title: str = "") -> tuple[Fragment, Fragment]:
    """The parts before and after the cards of a row of products. The title may have fields."""
    headline = _escaped(title)
    row = (
        *(_enclosed('<section class="tb-products" aria-label="', headline, '">') or ('<section class="tb-products">',)),
        *_enclosed('<h2 class="tb-products-title">', headline, "</h2>"),
        '<ul class="tb-cards">',
        _CARDS,
        "</ul></section>",
    )
    whole = wrapper.wrap(row, is_styled=True)
    place = whole.index(_CARDS)
    return _compiled(whole[:place]), _compiled(whole[place + 1 :])


_CARDS = Field("")


def trusted_html(html: str) -> Fragment:
    """HTML of our own, unchanged, without a wrapper. Never for HTML that an editor or a feed wrote."""
    return _compiled((html,))


def _compiled(marked: TextWithFields) -> Fragment:
    """The fragment of these parts. Adjacent texts become one piece; empty ones are dropped."""
    parts: list[Piece | Field] = []
    for is_text, run in groupby(marked, key=lambda part: isinstance(part, str)):
        if is_text:
            parts.append(Piece(as_ascii("".join(part for part in run if isinstance(part, str)))))
        else:
            parts += [part for part in run if isinstance(part, Field)]
    return Fragment(tuple(part for part in parts if isinstance(part, Field) or part.plain))


def _escaped(text: str) -> TextWithFields:
    return tuple(escape(part) if isinstance(part, str) else part for part in fields_in_text(text) if part)


def _enclosed(opening: str, content: TextWithFields, closing: str) -> TextWithFields:
    return (opening, *content, closing) if content else ()


def _linked(link: str, content: TextWithFields, attributes: str = "") -> TextWithFields:
    return (f'<a{attributes} href="{_address(link)}">', *content, "</a>") if link else content


def _picture(image: str, alt: str, width: int, height: int) -> TextWithFields:
    if not image:
        return ()
    size = f' width="{width}" height="{height}"' if width and height else ""
    return (
        f'<img class="tb-banner-picture" src="{_address(image, _OF_A_PICTURE)}"{size} decoding="async" alt="',
        *_escaped(alt),
        '">',
    )


_OF_A_LINK = "is not an address I may link to", "write a path like /sale, or https://..."
_OF_A_PICTURE = (
    "is not where visitors can get a picture",
    "put it where the shop's pictures are, and write its path there, like /img/sale.jpg, or https://...",
)


def _address(address: str, otherwise: tuple[str, str] = _OF_A_LINK) -> str:
    if not is_allowed_address(address):
        raise EditorError(f"`{address}` {otherwise[0]}", help=otherwise[1])
    return escape(address)


def _field_begins_address(field: Field, line: int) -> EditorError:
    name = field.attribute.replace(" ", "_")
    return EditorError(
        f"`{{{{ {name} }}}}` may not choose where a link leads",
        help=f"write the address yourself and put the field behind it: /welcome?name={{{{ {name} }}}}",
        line=line,
    )


def _field_told_elsewhere(field: Field, line: int) -> EditorError:
    name = field.attribute.replace(" ", "_")
    return EditorError(
        f"`{{{{ {name} }}}}` of every visitor would be told to another host, which has the picture",
        help="leave it out, or have the shop's own host answer: /img/{{ " + name + " }}.jpg",
        line=line,
    )


def _misplaced_field(field: Field, line: int) -> EditorError:
    name = field.attribute.replace(" ", "_")
    return EditorError(
        f"`{{{{ {name} }}}}` stands where it cannot be shown",
        help="put it in the text, or in an attribute that is kept",
        line=line,
    )
