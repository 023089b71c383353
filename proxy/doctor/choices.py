"""Whether the shop answers people of other languages or countries, or scripts that want a part, otherwise, and says so.
What it answers to nobody in particular is kept for everybody, unless its Vary names what it chooses by. No IO: the page
was fetched again, with the fields of `askings`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from proxy.doctor.fetched import FetchedPage, Level, Line
from proxy.httpcache.policy import may_store
from proxy.httpcache.stored import CacheOptions
from proxy.page.differences import differences

LANGUAGES = ("de", "fr", "es", "nl", "it", "pl", "sv", "ja", "en")
COUNTRY_FIELDS = ("cf-ipcountry", "cloudfront-viewer-country", "x-vercel-ip-country", "x-country-code")
COUNTRIES = ("DE", "US")
"""Two, as one of them may be the shop's own."""
PART = {"hx-request": "true", "turbo-frame": "main", "x-up-target": "main", "x-requested-with": "XMLHttpRequest"}
"""By which scripts say that they want a part of the page."""
CHOICES = {
    "language": ("a browser of another language", "Accept-Language"),
    "country": ("a visitor from another country", "the field that names the country"),
    "part": ("a script that wants a part of it", "the field it is known by, as HX-Request or Turbo-Frame"),
}
"""Who is answered otherwise, and what Vary should say."""


def askings(first: FetchedPage) -> Iterator[tuple[str, Mapping[str, str]]]:
    """What each further fetch of the page tries, of `CHOICES`, and its fields."""
    others = [language for language in LANGUAGES if language != _language(first)]
    wanted = ", ".join(f"{language};q={1 - place / 20}" for place, language in enumerate(others))
    yield "language", {"accept-language": wanted}
    names = dict.fromkeys((first.settings.country_header.lower(), *COUNTRY_FIELDS))
    yield from (("country", {name: country for name in names if name}) for country in COUNTRIES)
    yield "part", PART


def choice_lines(
    first: FetchedPage, again: FetchedPage, others: Sequence[tuple[str, Mapping[str, str], FetchedPage]]
) -> Iterator[Line]:
    """A line for each of `CHOICES` that the shop makes, from the page as fetched twice alike, and as
    fetched with each of the fields of `askings`."""
    told = set[str]()
    for what, fields, page in others:
        how = "" if what in told else _otherwise(first, again, page, what)
        if how:
            told.add(what)
            yield _line(first, what, fields, how)


def _line(first: FetchedPage, what: str, fields: Mapping[str, str], how: str) -> Line:
    unvaried = tuple(row for row in first.headers if row[0] not in (b"vary", b"set-cookie"))
    varies = {name.strip().lower() for name in first.get(b"vary").split(",")}
    if varies & fields.keys():
        return Line(Level.OK, what, f"{how}, and Vary says so")
    if first.status != 200 and not may_store((), first.status, unvaried, first.now, CacheOptions.of(first.settings)):
        return Line(Level.OK, what, f"{how}; such a redirect is not kept, so each gets their own")
    field = CHOICES[what][1]
    says = f"{how}, and Vary does not say so: if it is kept, everybody gets what doctor got"
    fix = f"send `Vary` with {field}, or put `- {{path: {first.path}, store: no}}` above the others in cache.yaml"
    return Line(Level.WARN, what, says, fix)


def _otherwise(first: FetchedPage, again: FetchedPage, page: FetchedPage, what: str) -> str:
    """What the shop does for who asks that way; "" when it is the same."""
    whose = CHOICES[what][0]
    where = page.get(b"location")
    if where and where != first.get(b"location"):
        return f"{whose} is led to {where}"
    if page.status != first.status:
        return f"{whose} is answered {page.status}"
    is_steady = not differences(first.body, again.body)
    if _language(page) != _language(first) or (is_steady and differences(first.body, page.body)):
        return f"{whose} is shown another page"
    return ""


def _language(page: FetchedPage) -> str:
    """The two letters of the page's language, or of where it leads to."""
    root = page.markup.document.select_one("html[lang]")
    said = str(root.attrs["lang"]) if root else page.get(b"location").partition("//")[2].partition("/")[2]
    return (said or page.get(b"location").lstrip("/"))[:2].lower()
