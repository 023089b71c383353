"""Suggests what an editor most likely meant by an invalid value: words of other notations, names instead of codes, a
missing slash. Only valid values are suggested."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from proxy.diagnostics import Suggestion, is_slip, nearest

BOUNDS = ("at least", "at most", "more than", "less than", "exactly", "between")
_SIGNS = {
    word: bound
    for bound, words in {
        "at least": ("≥", ">=", "min", "minimum", "from", "no less than", "not less than", "mindestens", "minst", "ab",
                     "vanaf", "minstens"),
        "at most": ("≤", "<=", "max", "maximum", "up to", "no more than", "not more than", "not over", "höchstens",
                    "bis zu", "bis", "tot", "hoogstens"),
        "more than": (">", "over", "above", "greater than", "higher than", "larger than", "bigger than", "mehr als",
                      "über", "meer dan"),
        "less than": ("<", "under", "below", "fewer than", "lower than", "smaller than", "weniger als", "unter",
                      "minder dan"),
        "exactly": ("=", "==", "equals", "is", "genau"),
    }.items()
    for word in words
}  # fmt: skip
"""Other words and signs for a bound."""

_CURRENCY_FIRST = re.compile(r"([€$£]|\b(?:EUR|kr)\.?) ?(\d[\d.,]*)")
_GROUPS = " '’\u00a0\u202f"
"""What stands between thousands in some countries, beside points and commas."""
_AMOUNT = rf"(\d(?:[\d.,]|[{_GROUPS}](?=\d{{3}}(?!\d)))*)(\s*[^\d\s]\D*)?"
_RANGE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:-|–|to|bis|\.\.)\s*(\d+(?:\.\d+)?)")
_LESS = ("less", "fewer", "weniger")
_AND_BEYOND = re.compile(rf"(\d[\d.,]*)\s*(?:\+|(?:or|and|oder|und) (more|mehr|{'|'.join(_LESS)}))")
_UNITS_TO_LEAVE_OUT = {
    "x", "times", "mal", "keer", "gange", "euro", "euros", "kr", "kroner", "kronor", "kronen", "dollar", "dollars",
    "pounds", "orders", "visits", "pages", "views",
}  # fmt: skip
"""What people write behind a number that says nothing more. Any other word may: `3 or more`, `2 weeks`, `3 per day`."""

_NO_CENTS = re.compile(r"(?<=\d)[.,][-–—]+")
_SWAPPED = re.compile(r"(between )(\d+(?:\.\d+)?)(.*? and )(\d+(?:\.\d+)?)(.*)")
_TIME = r"(\d{1,2})(?:[:.]?(\d\d))? ?(am|pm|h|uhr|uur)?"
_HOURS = re.compile(rf"(?:between )?{_TIME}\s*(?:and|to|until|bis|til|tot|-|–)\s*{_TIME}")
_ONE_HOUR = re.compile(rf"(from|after|since|as of|ab|vanaf|until|till?|before|by|bis|tot|voor|vor) {_TIME}")
_ENDING = ("until", "till", "til", "before", "by", "bis", "tot", "voor", "vor")
OTHER_NOT = re.compile(
    r"(?:(?:no|non|except|without|is not|isn't|nicht|keine?|ohne|ikke|niet|geen)\s+|!=?\s*|≠\s*|<>\s*)(.+)",
    re.IGNORECASE,
)
"""How else people write that something is not so."""
_BETWEEN = tuple(
    re.compile(rf"\s*[{signs}]\s*|\s+(?:and|or|&|und|oder|og|eller)\s+", re.IGNORECASE)
    for signs in (r",;\[\]", r",;\[\]/")
)
"""What people write between values, as between the parts of a list; the values may have slashes themselves."""
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FROM_TO = re.compile(r"([a-z]{2,})\.?\s*(?:-|–|to|until|till|through)\s*([a-z]{2,})\.?")
_ADDRESS = re.compile(r"https?://[^/?#]+([^?#]*).*", re.IGNORECASE)
_HOST = re.compile(r"(?:https?://)?(?:www\.)?([\w.-]+)(?:[:/].*)?", re.IGNORECASE)

ALIKE = 0.8
"""How much a misspelt name must be like another: the names here are not all there are, and Iran is not Ireland."""

NAMES = {
    "austria": "AT", "australia": "AU", "belgium": "BE", "brazil": "BR", "britain": "GB", "canada": "CA", "china": "CN",
    "czech republic": "CZ", "czechia": "CZ", "denmark": "DK", "en": "GB", "england": "GB", "eng": "GB", "estonia": "EE",
    "finland": "FI", "france": "FR", "germany": "DE", "great britain": "GB", "greece": "GR", "hungary": "HU",
    "iceland": "IS", "india": "IN", "ireland": "IE", "italy": "IT", "japan": "JP", "latvia": "LV", "lithuania": "LT",
    "luxembourg": "LU", "mexico": "MX", "netherlands": "NL", "the netherlands": "NL", "holland": "NL", "norway": "NO",
    "norge": "NO", "poland": "PL", "portugal": "PT", "spain": "ES", "sweden": "SE", "switzerland": "CH", "turkey": "TR",
    "uk": "GB", "united kingdom": "GB", "ukraine": "UA", "united states": "US", "usa": "US",
    "danish": "da", "dutch": "nl", "english": "en", "finnish": "fi", "flemish": "nl-BE", "french": "fr", "german": "de",
    "italian": "it", "norwegian": "no", "polish": "pl", "portuguese": "pt", "spanish": "es", "swedish": "sv",
    "cellphone": "phone", "mobile": "phone", "smartphone": "phone", "ipad": "tablet", "computer": "desktop",
    "laptop": "desktop", "pc": "desktop", "first-time": "new", "known": "returning", "true": "yes", "false": "no",
    "on": "yes", "off": "no", "y": "yes", "n": "no", "string": "text", "integer": "number", "int": "number",
    "float": "number", "boolean": "truth", "bool": "truth", "datetime": "date", "coordinates": "place",
    "belgië": "BE", "belgique": "BE", "danmark": "DK", "deutschland": "DE", "españa": "ES", "italia": "IT",
    "nederland": "NL", "österreich": "AT", "polska": "PL", "schweiz": "CH", "suisse": "CH", "suomi": "FI",
    "sverige": "SE", "handy": "phone", "telefoon": "phone", "téléphone": "phone", "montag": "monday",
    "dienstag": "tuesday", "mittwoch": "wednesday", "donnerstag": "thursday", "freitag": "friday",
    "samstag": "saturday", "sonnabend": "saturday", "sonntag": "sunday", "maandag": "monday", "dinsdag": "tuesday",
    "woensdag": "wednesday", "donderdag": "thursday", "vrijdag": "friday", "zaterdag": "saturday", "zondag": "sunday",
    "lundi": "monday", "mardi": "tuesday", "mercredi": "wednesday", "jeudi": "thursday", "vendredi": "friday",
    "samedi": "saturday", "dimanche": "sunday", "dansk": "da", "deutsch": "de", "español": "es", "français": "fr",
    "italiano": "it", "nederlands": "nl", "norsk": "no", "polski": "pl", "português": "pt", "svenska": "sv",
}  # fmt: skip
"""Names and other words for what has a short one, casefolded."""


def better_value(value: str, help: str, fits: Callable[[str], bool], choices: Sequence[str]) -> str:
    """The help, with a valid correction if there is one."""
    spelled = {choice.casefold(): choice for choice in choices}
    meant = (spelled.get(found.casefold(), found) for found in _values(value, choices))
    instead = next((found for found in meant if found != value and fits(found)), None)
    several = _several(value.strip(), fits) or _separated(value, choices, fits)
    if several and not (instead and "." in instead):  # as `google.com/search`
        instead = f"[{', '.join(several)}]"
    is_named = isinstance(help, Suggestion) or f'"{instead}"' in help
    return _named(help if is_named else "", value, instead) if instead else help


def better_amount(text: str, help: str, is_amount: Callable[[str], bool]) -> str:
    """The help, with the amount that was most likely meant, if there is one."""
    instead = next((found for found in _amounts(text) if found != text and is_amount(found)), None)
    is_in_help = instead in re.split("[:,] ", help)
    return _named(help if is_in_help else "", text, instead) if instead else help


def _named(help: str, wrong: str, instead: str | None) -> str:
    """The help with the correction in it, if there is one."""
    return Suggestion(help if instead in help else f"write: {instead}", wrong, instead) if instead else help


def swapped(text: str, help: str) -> str:
    """The help for a range with its ends in the wrong order, with the ends swapped."""
    found = _SWAPPED.fullmatch(text)
    if not found:
        return help
    between, low, middle, high, rest = found.groups()
    return Suggestion(help, text, f"{between}{high}{middle}{low}{rest}")


def _values(value: str, choices: Sequence[str]) -> Iterator[str]:
    folded = value.casefold().strip()
    name = nearest(folded, NAMES, ALIKE)
    if name:
        yield NAMES[name]
    close = nearest(folded, [choice.casefold() for choice in choices])
    yield from (choice for choice in choices if choice.casefold() == close and is_slip(folded, close))
    yield from (choice for choice in choices if len(folded) >= 2 and choice.casefold().startswith(folded))
    if hours := _HOURS.fullmatch(folded):
        yield _hours(hours)
    if one := _ONE_HOUR.fullmatch(folded):
        shown = f"{_hour(one[2], one[4]):02d}:{one[3] or '00'}"
        yield f"between 00:00 and {shown}" if one[1] in _ENDING else f"between {shown} and 24:00"
    if host := _ADDRESS.fullmatch(value):
        yield host[1] or "/"
    if value.endswith("*"):
        yield f"starts with {value.rstrip('*')}"
        yield value.rstrip("*")
    if value[:1].isalnum() or value.startswith("/"):
        yield "/" + value.lstrip("/").partition("?")[0].partition("#")[0].strip()
    if host := _HOST.fullmatch(value):
        yield host[1].casefold()
    yield value.replace("_", "-")
    yield re.sub("-uk$", "-GB", value.replace("_", "-"), flags=re.IGNORECASE)


def _several(value: str, fits: Callable[[str], bool]) -> list[str]:
    """The parts of a text that is several values; [] for any other."""
    tries = [_days(value.casefold()), *([part for part in between.split(value) if part] for between in _BETWEEN)]
    return next((parts for parts in tries if _all_of(parts, fits)), [])


def _separated(value: str, choices: Sequence[str], fits: Callable[[str], bool]) -> list[str]:
    """Names with blanks between, of a phrase that has them all: `DE AT`. A small `no` may be a not."""
    return _all_of(value.split(), fits) if choices and not value.startswith("no ") else []


def _all_of(parts: list[str], fits: Callable[[str], bool]) -> list[str]:
    return parts if len(parts) > 1 and all(map(fits, parts)) else []


def _days(value: str) -> list[str]:
    """The weekdays from one to another, as `mon-fri`, or of a word for several; [] for anything else."""
    value = {"weekdays": "mon-fri", "workdays": "mon-fri", "weekend": "sat-sun", "weekends": "sat-sun"}.get(
        value, value
    )
    found = _FROM_TO.fullmatch(value)
    ends = [[i for i, day in enumerate(_DAYS) if day.startswith(word)] for word in found.groups()] if found else []
    if not ends or any(len(end) != 1 for end in ends):
        return []
    (first,), (last,) = ends
    return [_DAYS[(first + i) % 7] for i in range((last - first) % 7 + 1)]


def _hours(found: re.Match[str]) -> str:
    start_hour, start_minute, start_half, end_hour, end_minute, end_half = found.groups()
    start, end = _hour(start_hour, start_half or (end_half if end_half == "am" else None)), _hour(end_hour, end_half)
    return f"between {start:02d}:{start_minute or '00'} and {end:02d}:{end_minute or '00'}"


def _hour(digits: str, half: str | None) -> int:
    hour = int(digits)
    return hour % 12 + 12 * (half == "pm") if half in ("am", "pm") else hour


def _amounts(text: str) -> Iterator[str]:
    text = _NO_CENTS.sub("", text)
    text = _CURRENCY_FIRST.sub(lambda found: f"{_digits(found[2])} {found[1]}", text)
    yield text
    if found := _RANGE.fullmatch(text):
        yield f"between {found[1]} and {found[2]}"
    if found := _AND_BEYOND.fullmatch(text):
        yield f"{'at most' if found[2] in _LESS else 'at least'} {_digits(found[1])}"
    if found := re.fullmatch(rf"(\D*?)\s*{_AMOUNT}", text):
        word, number, unit = found[1].casefold().strip(" ."), _digits(found[2]), found[3] or ""
        bound = "" if not word else _SIGNS.get(word) or next((each for each in BOUNDS if is_slip(word, each)), None)
        if bound is not None:
            yield f"{bound} {number}{unit}".strip()
            if unit.casefold().strip(" .") in _UNITS_TO_LEAVE_OUT:
                yield f"{bound} {number}".strip()


def _digits(number: str) -> str:
    """1,000, 1.000 and 1'000 as 1000; 9,50 as 9.50; 1.234,50 and 1,234.50 as 1234.50."""
    number = re.sub(f"[{_GROUPS}]", "", number).rstrip(".,")
    if re.fullmatch(r"\d{1,3}(\.\d{3})+|\d{1,3}(,\d{3})+", number):
        return re.sub("[.,]", "", number)
    if found := re.fullmatch(r"(\d{1,3}(?:\.\d{3})+),(\d+)|(\d{1,3}(?:,\d{3})+)\.(\d+)", number):
        return re.sub("[.,]", "", found[1] or found[3]) + "." + (found[2] or found[4])
    return number.replace(",", ".")
