"""Which product's page an address is.

Mostly its path tells. Where the pages of several products have the same path, as `/index.php?route=product&id=7`, an
address is the page of the product all of whose link's parameters it has. One that fits none of them is the page of no
product, unless they are variants of one: then it is that of the last."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from proxy.model import Product

Parameters = tuple[tuple[str, str], ...]
MOST_NAMES = 20
MOST_COMBINATIONS = 20
"""Of names of parameters at one path. Where a shop writes the address it was asked for into its page, as its canonical
one, anybody can make up names."""
_PLAIN_LINK = re.compile(
    r"(?:https?://[\w.:-]+)?(/(?!/)[\w./~!$&'()*+,;=:@-]*)(?:\?([\w./~!$&'()*+,;=:@%-]*))?", re.ASCII
)
_OF_CAMPAIGNS = re.compile(r"utm_.*|gclid|fbclid|msclkid|srsltid")


class PageAddresses(NamedTuple):
    """The ids of products by the addresses of their pages.

    * `by_path`: of those whose link has no parameters; `by_parameters`: of the others.
    * `names`: for a path, the names of the parameters in the links of its products, a tuple for each combination.
    * `last`: for such a path the product that came last; None where several products have it.
    """

    by_path: dict[str, str]
    by_parameters: dict[tuple[str, Parameters], str]
    names: dict[str, tuple[tuple[str, ...], ...]]
    last: dict[str, Product | None]

    @classmethod
    def of(cls, products: Iterable[Product] = ()) -> Self:
        """The addresses of these products; of two with the same one, the last counts."""
        addresses = cls({}, {}, {}, {})
        for product in products:
            addresses.put(product)
        return addresses

    def copy(self) -> Self:
        """The same, to be changed."""
        return type(self)(self.by_path.copy(), self.by_parameters.copy(), self.names.copy(), self.last.copy())

    def put(self, product: Product) -> None:
        """Adds the product's page, unless links to its path have too many different parameters."""
        path, parameters = _read(product.link)
        if not parameters:
            self.by_path[path] = product.id
            return
        names, known = tuple([name for name, _ in parameters]), self.names.get(path, ())
        if names not in known:
            if len(known) == MOST_COMBINATIONS or len(names) > MOST_NAMES:
                return
            self.names[path] = tuple(sorted((*known, names), key=len, reverse=True))
        before = self.last.get(path, product)
        is_shared = before is None or (
            before.id != product.id and not (product.group and before.group == product.group)
        )
        self.last[path] = None if is_shared else product
        self.by_parameters[path, parameters] = product.id

    def remove(self, product: Product) -> None:
        """Removes the product's page, unless another product has it by now."""
        path, parameters = _read(product.link)
        if not parameters:
            if self.by_path.get(path) == product.id:
                del self.by_path[path]
        elif self.by_parameters.get((path, parameters)) == product.id:
            del self.by_parameters[path, parameters]
            if (last := self.last.get(path)) is not None and last.id == product.id:
                del self.last[path]

    def at(self, path: str, value: Callable[[str], str]) -> str:
        """The id of the product whose page is at `path`, percent-decoded; "" for none. `value` returns that of a
        parameter, "" for none."""
        if path not in self.names:
            return self.by_path.get(path, "")
        for names in self.names[path]:
            if found := self.by_parameters.get((path, tuple([(name, value(name)) for name in names]))):
                return found
        last = self.last.get(path)
        return self.by_path.get(path) or (last.id if last else "")

    def of_link(self, link: str) -> str:
        """The id of the product to whose page a link leads; "" for none."""
        path, query = _parts(link)
        if path not in self.names:
            return self.by_path.get(path, "")
        parameters = dict(parse_qsl(query))
        return self.at(path, lambda name: parameters.get(name, ""))

    def telling(self) -> frozenset[str]:
        """The names of the parameters that tell products with the same path apart, at most `MOST_NAMES`."""
        names = {name for path, last in self.last.items() if last is None for each in self.names[path] for name in each}
        return frozenset(sorted(names)[:MOST_NAMES])


def path_of(link: str) -> str:
    """The path of an address, percent-decoded."""
    return _parts(link)[0]


def _read(link: str) -> tuple[str, Parameters]:
    path, query = _parts(link)
    return path, _parameters(query) if query else ()


def _parameters(query: str) -> Parameters:
    return tuple(sorted({name: value for name, value in parse_qsl(query) if not _OF_CAMPAIGNS.fullmatch(name)}.items()))


def _parts(link: str) -> tuple[str, str]:
    if plain := _PLAIN_LINK.fullmatch(link):
        return plain[1], plain[2] or ""
    try:
        parts = urlsplit(link)
    except ValueError:
        return "", ""
    return unquote(parts.path), parts.query
