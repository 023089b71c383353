"""Names of cities and regions, compared however they are spelt: CDNs write `Tromsø`, `tromso` or `TROMSO`, and mostly
the English name where editors write their own."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from proxy.model import Contains, NotOneOf, OneOf, StartsWith, Test

_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
"""Letters that are no other letter with an accent."""

OTHER_NAMES = {
    "Antwerp": ("Antwerpen", "Anvers"), "Athens": ("Athina",), "Basel": ("Bâle", "Basle"), "Bavaria": ("Bayern",),
    "Bern": ("Berne", "Berna"), "Bruges": ("Brugge",), "Brussels": ("Brussel", "Bruxelles"), "Carinthia": ("Kärnten",),
    "Catalonia": ("Cataluña", "Catalunya"), "Cologne": ("Köln",), "Copenhagen": ("København",), "Flanders":
    ("Vlaanderen",), "Florence": ("Firenze",), "Geneva": ("Genève", "Genf", "Ginevra"), "Genoa": ("Genova",),
    "Ghent": ("Gent", "Gand"), "Gothenburg": ("Göteborg",), "The Hague": ("Den Haag", "'s-Gravenhage"),
    "Helsinki": ("Helsingfors",), "Hesse": ("Hessen",), "Liège": ("Luik", "Lüttich"), "Lisbon": ("Lisboa",),
    "Lombardy": ("Lombardia",), "Lower Saxony": ("Niedersachsen",), "Lower Austria": ("Niederösterreich",),
    "Lucerne": ("Luzern",), "Luxembourg": ("Luxemburg",), "Milan": ("Milano", "Mailand"), "Munich": ("München",),
    "Naples": ("Napoli", "Neapel"), "North Brabant": ("Noord-Brabant",), "North Holland": ("Noord-Holland",),
    "North Rhine-Westphalia": ("Nordrhein-Westfalen",), "Nuremberg": ("Nürnberg",), "Prague": ("Praha", "Prag"),
    "Rhineland-Palatinate": ("Rheinland-Pfalz",), "Rome": ("Roma", "Rom"), "Saxony": ("Sachsen",),
    "Saxony-Anhalt": ("Sachsen-Anhalt",), "Seville": ("Sevilla",), "Sicily": ("Sicilia",),
    "South Holland": ("Zuid-Holland",), "Styria": ("Steiermark",), "Thuringia": ("Thüringen",),
    "Turin": ("Torino",), "Tuscany": ("Toscana",), "Tyrol": ("Tirol",), "Upper Austria": ("Oberösterreich",),
    "Venice": ("Venezia", "Venedig"), "Vienna": ("Wien",), "Wallonia": ("Wallonie",),
    "Warsaw": ("Warszawa", "Warschau"), "Zealand": ("Sjælland",), "Zurich": ("Zurigo",),
}  # fmt: skip
"""English names, and those that are more than another spelling."""


def spelt_plainly(text: str) -> str:
    """The text in small letters without accents, blanks and signs: `Saint-Étienne` is `saintetienne`."""
    letters = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(filter(str.isalnum, letters))


_ENGLISH = {spelt_plainly(other): spelt_plainly(name) for name, others in OTHER_NAMES.items() for other in others}


def plain_name(text: str) -> str:
    """What all spellings of a name have in common; of a place with an English name, that one: `München` is `munich`."""
    spelt = spelt_plainly(text)
    return _ENGLISH.get(spelt, spelt)


@lru_cache(maxsize=8_192)
def plain_names(text: str) -> frozenset[str]:
    """The name as it is spelt, and what all its spellings have in common."""
    return frozenset({spelt_plainly(text), plain_name(text)})


def of_plain_names(test: Test) -> Test:
    """The test of a name as a test of its `plain_names`."""
    match test:
        case OneOf(values) | NotOneOf(values):
            return type(test)(frozenset(map(plain_name, values)))
        case StartsWith(values) | Contains(values):
            return type(test)(tuple(map(spelt_plainly, values)))
    return test
