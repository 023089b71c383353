from __future__ import annotations

import asyncio

import pytest

from tests.wire.origin import Origin, Seen, ok
from tests.wire.site import HTML, PAGE, SHARED, Got, Site, answering, eventually

PRIVATE = ok(PAGE, HTML, b"Cache-Control: private")


class Held:
    """Answers requests for everybody when released, and visitors' own (they say they are on a phone) at once."""

    def __init__(self, shared: bytes, own: bytes = b"") -> None:
        self.shared = shared
        self.own = own
        self.release = asyncio.Event()

    def __call__(self, seen: Seen) -> object:
        return self.own if seen.get(b"user-agent") == b"phone" else self._later()

    async def _later(self) -> bytes:
        await self.release.wait()
        return self.shared


PHONE = (b"user-agent", b"phone")


async def many(site: Site, count: int) -> list[asyncio.Task[Got]]:
    tasks = [asyncio.create_task(site.get(b"/", PHONE)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_one_fetch_answers_all_who_ask_at_the_same_time() -> None:
    held = Held(ok(PAGE, *SHARED))
    async with Origin(answering(held)) as origin, Site(origin.url) as site:
        tasks = await many(site, 100)
        await eventually(lambda: len(origin.requests) == 1)
        held.release.set()
        answers = await asyncio.gather(*tasks)
        assert len(origin.requests) == 1
    said = [answer["cache-status"].split("; ")[2] for answer in answers]
    assert sorted(said) == ["collapsed"] * 99 + ["stored"]
    assert {answer.body for answer in answers} == {PAGE}


async def test_requests_do_not_queue_behind_an_unshareable_answer() -> None:
    held = Held(PRIVATE, own=PRIVATE)
    async with Origin(answering(held)) as origin, Site(origin.url) as site:
        tasks = await many(site, 20)
        await eventually(lambda: len(origin.requests) == 1)
        held.release.set()
        answers = await asyncio.gather(*tasks)
        assert len(origin.requests) == 21
        held.release.clear()
        assert (await site.get(b"/", PHONE)).body == PAGE
    assert {answer["cache-status"].split("; ")[2] for answer in answers} == {"detail=private"}


async def test_a_request_that_waited_too_long_makes_its_own_fetch() -> None:
    held = Held(ok(PAGE, *SHARED), own=ok(b"own", HTML))
    async with Origin(answering(held)) as origin, Site(origin.url, collapse_wait_ms=5) as site:
        first, second = await many(site, 2)
        assert (await second).body == b"own"
        held.release.set()
        assert (await first).body == PAGE


async def test_the_fetch_outlives_the_client_that_started_it() -> None:
    held = Held(ok(PAGE, *SHARED))
    async with Origin(answering(held)) as origin, Site(origin.url) as site:
        first, second = await many(site, 2)
        await eventually(lambda: len(origin.requests) == 1)
        first.cancel()
        held.release.set()
        assert (await second).body == PAGE
        assert first.cancelled()
        assert len(origin.requests) == 1


async def test_a_failing_fetch_fails_for_all_who_wait_and_is_tried_again_by_the_next() -> None:
    async with Site("http://127.0.0.1:9") as site:
        answers = await asyncio.gather(*await many(site, 10))
        assert {answer.status for answer in answers} == {502}
        assert site.metrics.get("tailorbird_origin_errors_total", "refused") == 1
        await site.get(b"/")
        assert site.metrics.get("tailorbird_origin_errors_total", "refused") == 2


BUSY, OOPS = b"503 Busy", b"500 Oops"


@pytest.mark.parametrize(("status", "told"), [(BUSY, 503), (OOPS, 502)])
async def test_who_waited_for_an_origin_that_fails_shares_what_the_first_of_them_finds(
    status: bytes, told: int
) -> None:
    failing = ok(b"oops", HTML, status=status)
    held = Held(failing, own=failing)
    async with Origin(answering(held)) as origin, Site(origin.url) as site:
        tasks = await many(site, 20)
        await eventually(lambda: len(origin.requests) == 1)
        held.release.set()
        answers = await asyncio.gather(*tasks)
        assert len(origin.requests) == 2
        assert [answer.body for answer in answers].count(b"oops") == 1
        assert {(a.status, a["cache-status"]) for a in answers if a.body != b"oops"} == {
            (told, "tailorbird; fwd=uri-miss; detail=origin-error")
        }
        assert (await site.get(b"/", PHONE))["cache-status"] == "tailorbird; fwd=bypass; detail=no-lifetime"
        assert len(origin.requests) == 3
        site.now += 3
        held.shared = ok(PAGE, *SHARED)
        assert "stored" in (await site.get(b"/", PHONE))["cache-status"]


async def test_an_origin_that_fails_whoever_asks_is_asked_once_for_each() -> None:
    statuses = {b"/1": OOPS, b"/2": OOPS, b"/3": OOPS, b"/busy": BUSY}

    def failing(seen: Seen) -> bytes:
        return ok(b"oops", HTML, status=statuses[seen.target])

    async with Origin(answering(failing)) as origin, Site(origin.url) as site:
        for path, times in ((b"/1", 2), (b"/2", 1), (b"/3", 1), (b"/busy", 2)):
            got = await site.get(path)
            assert (got.status, got.body, len(origin.requests)) == (int(statuses[path][:3]), b"oops", times)
            origin.requests.clear()
        site.now += 3
        await site.get(b"/2")
        assert len(origin.requests) == 2


async def test_who_says_more_is_asked_for_with_all_of_it_though_the_origin_fails() -> None:
    failing = ok(b"oops", HTML, status=OOPS)
    async with Origin(answering(lambda seen: failing)) as origin, Site(origin.url) as site:
        await site.get(b"/1")
        origin.requests.clear()
        await site.get(b"/2", (b"cookie", b"basket=1"))
        assert [seen.get(b"cookie") for seen in origin.requests] == [b"basket=1"]


async def test_a_failure_of_the_fetch_for_everybody_alone_is_nobody_elses() -> None:
    held = Held(ok(b"whose browser is it?", HTML, status=OOPS), own=PRIVATE)
    async with Origin(answering(held)) as origin, Site(origin.url) as site:
        tasks = await many(site, 20)
        await eventually(lambda: len(origin.requests) == 1)
        held.release.set()
        assert {answer.body for answer in await asyncio.gather(*tasks)} == {PAGE}
        assert len(origin.requests) == 21


async def test_what_was_being_fetched_while_it_changed_is_not_kept() -> None:
    release = asyncio.Event()

    async def old() -> bytes:
        await release.wait()
        return ok(PAGE, *SHARED)

    answers = iter([old(), ok(b"posted"), ok(PAGE + b"new", *SHARED)])
    async with Origin(answering(lambda _: next(answers))) as origin, Site(origin.url) as site:
        (early,) = await many(site, 1)
        await eventually(lambda: len(origin.requests) == 1)
        await site.get(b"/", method=b"POST")
        late = await site.get(b"/")
        release.set()
        assert ((await early).body, late.body) == (PAGE, PAGE + b"new")
        assert (await site.get(b"/")).body == PAGE + b"new"


async def test_fetches_for_other_languages_do_not_wait_for_one_another() -> None:
    release = asyncio.Event()
    fields = (*SHARED, b"Vary: Accept-Language")

    async def slow(body: bytes) -> bytes:
        await release.wait()
        return ok(body, *fields)

    def say(seen: Seen) -> object:
        language = seen.get(b"accept-language") or b""
        return slow(language) if language == b"fr" else ok(language, *fields)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        await site.get(b"/", (b"accept-language", b"nl"))
        french = asyncio.create_task(site.get(b"/", (b"accept-language", b"fr")))
        await asyncio.sleep(0)
        assert (await site.get(b"/", (b"accept-language", b"de"))).body == b"de"
        release.set()
        assert (await french).body == b"fr"


async def test_a_waiting_request_of_another_variant_makes_its_own_fetch() -> None:
    release = asyncio.Event()

    async def slow(body: bytes) -> bytes:
        await release.wait()
        return ok(body, *SHARED, b"Vary: Accept-Language")

    script = answering(lambda seen: slow(seen.get(b"accept-language") or b""))
    async with Origin(script) as origin, Site(origin.url) as site:
        languages = (b"nl", b"fr")
        tasks = [asyncio.create_task(site.get(b"/", (b"accept-language", language))) for language in languages]
        await eventually(lambda: len(origin.requests) == 1)
        release.set()
        assert [(await task).body for task in tasks] == list(languages)


async def test_closing_gives_up_what_is_under_way() -> None:
    held = Held(ok())
    async with Origin(answering(held)) as origin, Site(origin.url) as site:
        task = asyncio.create_task(site.get(b"/"))
        await eventually(lambda: len(origin.requests) == 1)
        await site.gateway.aclose()
        with pytest.raises(asyncio.CancelledError):
            await task
        held.release.set()
        await origin.has_open(0)


async def test_how_full_the_cache_is_can_be_read() -> None:
    async with Origin(answering(lambda seen: ok(PAGE, *SHARED))) as origin, Site(origin.url) as site:
        for target in (b"/a", b"/b"):
            await site.get(target)
        told = {name.removeprefix("tailorbird_cache_"): value for (name, _, _), value in site.metrics.gauges().items()}
    assert (told["addresses"], told["limit_bytes"]) == (2, site.settings.cache_bytes)
    assert 2 * len(PAGE) < told["bytes"] < told["limit_bytes"]


class Slow:
    """Answers requests for everybody, and visitors' own, each when they are let go."""

    def __init__(self) -> None:
        self.shared, self.own = asyncio.Event(), asyncio.Event()

    def __call__(self, seen: Seen) -> object:
        return self._later(self.own if seen.get(b"user-agent") == b"phone" else self.shared)

    async def _later(self, let_go: asyncio.Event) -> bytes:
        await let_go.wait()
        return ok(PAGE, *SHARED)


async def test_of_many_who_wait_for_a_slow_page_one_asks_too_and_all_others_get_the_page_when_it_comes() -> None:
    slow = Slow()
    async with Origin(answering(slow)) as origin, Site(origin.url, collapse_wait_ms=5) as site:
        leader, alone, *others = await many(site, 20)
        await eventually(lambda: len(origin.requests) == 2)
        slow.shared.set()
        answers = await asyncio.gather(leader, *others)
        assert len(origin.requests) == 2
        slow.own.set()
        assert "detail=collapse-wait" in (await alone)["cache-status"]
    said = [answer["cache-status"].split("; ")[2] for answer in answers]
    assert said == ["stored"] + ["collapsed"] * 18


async def test_who_asks_alone_and_leaves_has_the_next_of_those_who_wait_ask() -> None:
    slow = Slow()
    async with Origin(answering(slow)) as origin, Site(origin.url, collapse_wait_ms=5) as site:
        _, *others = tasks = await many(site, 5)
        for count in (2, 3, 4):
            await eventually(lambda count=count: len(origin.requests) == count)
            others.pop(0).cancel()
        slow.shared.set(), slow.own.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [getattr(answer, "status", 0) for answer in answers] == [200, 0, 0, 0, 200]


async def test_where_the_fetch_hangs_and_the_origin_answers_others_all_are_answered() -> None:
    slow = Slow()
    slow.own.set()
    async with Origin(answering(slow)) as origin, Site(origin.url, collapse_wait_ms=5) as site:
        _, *others = await many(site, 20)
        assert {(await task).status for task in others} == {200}
        assert len(origin.requests) == 20
