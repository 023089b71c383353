from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.doctor.choices import askings, choice_lines
from proxy.doctor.fetched import FetchedPage, Level, Line
from proxy.settings import Settings
from tests.doctor.test_checkup import HEALTHY

ENGLISH = replace(HEALTHY, body=b"<!doctype html><html lang=en><p>Welcome")
GERMAN = replace(HEALTHY, body=b"<!doctype html><html lang=de><p>Willkommen")
TOLD = ((b"content-type", b"text/html"), (b"vary", b"Accept-Encoding, Accept-Language"))


def leads_to(where: bytes, *more: tuple[bytes, bytes]) -> FetchedPage:
    return replace(HEALTHY, status=302, headers=((b"location", where), *more), body=b"")


def lines_of(first: FetchedPage, *others: FetchedPage, again: FetchedPage | None = None) -> list[Line]:
    """What is told of a page, when language, two countries and a script bring these others."""
    brought = [*others, *[first] * (4 - len(others))]
    asked = [(what, fields, page) for (what, fields), page in zip(askings(first), brought, strict=True)]
    return list(choice_lines(first, again or first, asked))


def test_a_page_that_is_the_same_for_all_has_no_line() -> None:
    assert lines_of(ENGLISH) == []


@pytest.mark.parametrize(
    ("first", "other", "level", "says"),
    [
        (ENGLISH, GERMAN, Level.WARN, "a browser of another language is shown another page, and Vary does not"),
        (ENGLISH, leads_to(b"/de/"), Level.WARN, "is led to /de/, and Vary does not say so"),
        (ENGLISH, replace(ENGLISH, status=404), Level.WARN, "is answered 404"),
        (replace(ENGLISH, headers=TOLD), replace(GERMAN, headers=TOLD), Level.OK, "and Vary says so"),
        (leads_to(b"/en/"), leads_to(b"/de/"), Level.OK, "is not kept"),
        (leads_to(b"/en/", (b"cache-control", b"max-age=9")), leads_to(b"/de/"), Level.WARN, "Vary does not say so"),
    ],
)
def test_what_another_language_brings_is_told(first: FetchedPage, other: FetchedPage, level: Level, says: str) -> None:
    (line,) = lines_of(first, other)
    assert (line.check, line.level, says in line.says) == ("language", level, True)
    assert bool(line.fix) is (level is Level.WARN)


def test_what_a_country_brings_is_told_once() -> None:
    (line,) = lines_of(ENGLISH, ENGLISH, leads_to(b"/de/"), leads_to(b"/us/"))
    assert (line.check, line.level) == ("country", Level.WARN)
    assert line.says.startswith("a visitor from another country is led to /de/")
    assert "- {path: /, store: no}" in line.fix


def test_a_part_that_scripts_get_at_the_same_address_is_told() -> None:
    (line,) = lines_of(ENGLISH, ENGLISH, ENGLISH, ENGLISH, replace(ENGLISH, body=b"<ul><li>Tent</ul>"))
    assert (line.check, line.level) == ("part", Level.WARN)
    assert line.says.startswith("a script that wants a part of it is shown another page, and Vary does not say so")
    assert "HX-Request" in line.fix
    said = replace(ENGLISH, headers=((b"vary", b"HX-Request"),))
    assert [line.level for line in lines_of(said, said, said, said, replace(said, body=b"<ul></ul>"))] == [Level.OK]


def test_a_page_that_is_new_each_time_tells_by_its_language_alone() -> None:
    again = replace(ENGLISH, body=ENGLISH.body + b"1")
    assert lines_of(ENGLISH, replace(ENGLISH, body=ENGLISH.body + b"2"), again=again) == []
    assert len(lines_of(ENGLISH, GERMAN, again=again)) == 1


def test_the_languages_asked_for_are_others_and_the_country_is_named_as_the_setting_says() -> None:
    (_, german), (_, one), (_, other), _ = askings(GERMAN)
    assert not german["accept-language"].startswith("de")
    (_, there), *_ = askings(leads_to(b"https://shop.example/en/"))
    assert "en;" not in there["accept-language"]
    (_, _), (_, named), *_ = askings(replace(ENGLISH, settings=Settings(country_header="X-Geo")))
    assert (one["cf-ipcountry"], other["cf-ipcountry"], named["x-geo"]) == ("DE", "US", "DE")
