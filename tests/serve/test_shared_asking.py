"""What an origin chooses by is told it from the start, where pages beside were chosen by it; and nothing is stored that
was chosen by what its answer does not name."""

from __future__ import annotations

import pytest

from tests.wire.origin import Origin, Seen, ok
from tests.wire.site import HTML, PAGE, SHARED, Site, answering

DUTCH, GERMAN = (b"accept-language", b"nl"), (b"accept-language", b"de")
BROWSER = (b"accept", b"text/html,*/*;q=0.8")


def in_language(seen: Seen) -> bytes:
    return PAGE.replace(b"the rest", seen.get(b"accept-language") or b"English")


def translated(seen: Seen) -> bytes:
    return ok(in_language(seen), *SHARED, b"Vary: Accept-Language")


async def test_only_the_first_page_of_a_folder_is_fetched_twice_to_find_its_language() -> None:
    async with Origin(answering(translated)) as origin, Site(origin.url) as site:
        for number in range(5):
            page = await site.get(b"/p/%d" % number, DUTCH)
            assert b"nl" in page.body and "; stored" in page["cache-status"]
        assert len(origin.requests) == 6
        for language, said in ((GERMAN, b"de"), (DUTCH, b"nl")):
            assert said in (await site.get(b"/p/3", language)).body
        assert b"English" in (await site.get(b"/p/3")).body
        assert len(origin.requests) == 8
        await site.get(b"/other/1", DUTCH)
        assert len(origin.requests) == 10, "what another folder is chosen by is to be found out"


@pytest.mark.parametrize(
    ("field", "status"),
    [(b"X-Nothing: 1", b"200 OK"), (b"Vary: Accept", b"200 OK"), (b"Location: /nl/", b"301 Moved Permanently")],
)
async def test_what_is_chosen_by_a_language_that_its_answer_does_not_name_is_asked_for_without(
    field: bytes, status: bytes
) -> None:
    def say(seen: Seen) -> bytes:
        if seen.target == b"/p/1":
            return translated(seen)
        return ok(in_language(seen), HTML, b"Cache-Control: max-age=60", field, status=status)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        await site.get(b"/p/1", DUTCH, BROWSER)
        for visitor in (DUTCH, GERMAN):
            assert b"English" in (await site.get(b"/p/2", visitor, BROWSER)).body
        count = len(origin.requests)
        assert b"English" in (await site.get(b"/p/3", DUTCH, BROWSER)).body
        asked = origin.requests[count:]
        assert [seen.get(b"accept-language") for seen in asked] == [None] * len(asked), "the guess is given up"


async def test_a_refusal_for_who_says_something_odd_marks_no_page_of_the_folder() -> None:
    def say(seen: Seen) -> bytes:
        if seen.get(b"accept-language") == b"odd":
            return ok(b"no", b"Vary: Accept-Language", status=b"403 Forbidden")
        return translated(seen)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        await site.get(b"/p/1", DUTCH)
        await site.get(b"/p/2", (b"accept-language", b"odd"))
        assert "; stored" in (await site.get(b"/p/2", DUTCH))["cache-status"]
        assert "hit" in (await site.get(b"/p/2", DUTCH))["cache-status"]


async def test_a_page_that_is_gone_says_nothing_of_what_those_beside_it_are_chosen_by() -> None:
    def say(seen: Seen) -> bytes:
        return ok(b"gone", HTML, status=b"404 Not Found") if seen.target == b"/p/gone" else translated(seen)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        for path in (b"/p/1", b"/p/gone"):
            await site.get(path, DUTCH)
        count = len(origin.requests)
        await site.get(b"/p/2", DUTCH)
        assert len(origin.requests) == count + 1


async def test_who_says_nothing_of_what_pages_beside_are_chosen_by_asks_once() -> None:
    def say(seen: Seen) -> bytes:
        return translated(seen) if seen.target == b"/p/1" else ok(PAGE, *SHARED)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        await site.get(b"/p/1", DUTCH)
        count = len(origin.requests)
        await site.get(b"/p/2")
        assert len(origin.requests) == count + 1


@pytest.mark.parametrize(
    "said", [(b"404 Not Found", b"X: 1"), (b"301 Moved Permanently", b"Location: /nl/"), (b"200 OK", b"X: 1")]
)
@pytest.mark.parametrize("is_kept", [False, True])
async def test_who_is_answered_otherwise_for_what_they_say_without_that_being_named_changes_nothing_for_others(
    said: tuple[bytes, bytes], is_kept: bool
) -> None:
    status, field = said

    def say(seen: Seen) -> bytes:
        if seen.get(b"x-tenant"):
            return ok(b"no such tenant", HTML, b"Cache-Control: max-age=60", field, status=status)
        return ok(PAGE, *SHARED, b"Vary: X-Tenant")

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        if is_kept:
            await site.get(b"/p")
        for _ in range(2):
            assert b"no such tenant" in (await site.get(b"/p", (b"x-tenant", b"odd"))).body
            assert b"the rest" in (await site.get(b"/p")).body
        assert "hit" in (await site.get(b"/p"))["cache-status"]


async def test_a_page_that_is_no_longer_chosen_by_a_language_is_kept_once_for_all() -> None:
    def say(seen: Seen) -> bytes:
        return translated(seen) if len(origin.requests) < 3 else ok(in_language(seen), *SHARED)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        await site.get(b"/p", DUTCH)
        assert b"English" in (await site.get(b"/p", GERMAN)).body
        for language in (DUTCH, GERMAN):
            assert b"English" in (await site.get(b"/p", language)).body
        assert len(origin.requests) == 4
