"""What is asked again in the same words, beside the same looked up step by step: the same answer, or none."""

from __future__ import annotations

import gc
import re
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from proxy.httpcache.purge import purge_of
from proxy.model import Between, Fact
from tests.wire.asking import CLIENT, again, asking, looked_up
from tests.wire.origin import Origin, always, ok
from tests.wire.site import NOON, PAGE, SHARED, Site, in_segment, published, shown

PUBLICATION = published(
    shown("Hello VIP", when=in_segment("vip")),
    shown("Hello big spender", when=Fact("spent", Between(low=100.0)), order=1),
    shown("{first name|friend}", order=2),
)


async def warm(site: Site) -> None:
    await site.remember("anna", **{"first name": "Anna"})
    await site.remember("rich", spent=250.0)
    for visitor in ("anna", "rich", "bert"):
        await site.get(b"/", site.visitor(visitor))
        await site.get(b"/", site.visitor(visitor, "vip"))


@pytest.mark.parametrize("fields", [(), ((b"accept-encoding", b"gzip"),), ((b"accept-language", b"nl"),)])
async def test_a_repeat_hit_gives_the_answer_of_the_full_path(fields: tuple[tuple[bytes, bytes], ...]) -> None:
    answers = set()
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=PUBLICATION) as site:
        await warm(site)
        question = asking(*fields)
        assert looked_up(site, question, dict([site.visitor("anna")])) is not None
        for visitor, *segments in (("anna",), ("rich",), ("bert",), ("bert", "vip"), ("anna", "vip")):
            name, value = site.visitor(visitor, *segments)
            own = {name: b"a=1; " + value + b"; b=2"}
            expected, counted = looked_up(site, question, own), site.metrics.counts().copy()
            assert again(site, question, own) == expected
            gained = site.metrics.counts() - counted
            assert again(site, question, own) == looked_up(site, question, own)
            assert site.metrics.counts() - counted == gained + gained + gained
            answers.add(expected)
    assert len(answers) == 4  # who is a VIP is shown the same, whoever they are


async def test_a_return_visit_is_a_304_again() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=PUBLICATION) as site:
        await warm(site)
        question, own = asking(), dict([site.visitor("anna")])
        answer = site.gateway.hit(question.request(own, CLIENT), site.now)
        assert answer is not None
        own[b"if-none-match"] = answer.get(b"etag") or b""
        expected = looked_up(site, question, own)
        assert expected is not None and expected.startswith(b"HTTP/1.1 304 ")
        assert again(site, question, own) == expected
        own[b"if-none-match"] = b'"another"'
        assert again(site, question, own) == looked_up(site, question, own)


async def later(site: Site) -> None:
    site.now += 61


async def renewed(site: Site) -> None:
    site.gateway.publish(published(shown("New rules")))


async def purged(site: Site) -> None:
    await site.gateway.purge(purge_of(prefixes=["http://shop.example/"]))


@pytest.mark.parametrize("happens", [later, renewed, purged])
async def test_what_was_found_does_not_outlive_what_it_was_found_in(happens: Callable[[Site], Awaitable[None]]) -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=PUBLICATION) as site:
        await warm(site)
        question, own = asking(), dict([site.visitor("anna")])
        looked_up(site, question, own)
        assert again(site, question, own) is not None
        await happens(site)
        assert again(site, question, own) is None


CONSENT: dict[str, Any] = {"consent": ("cookiebot",), "consent_default": "profile"}
DENIED = b"CookieConsent={stamp:'x'%2Cnecessary:true%2Cpreferences:false%2Cstatistics:false%2Cmarketing:false}"


@pytest.mark.parametrize(
    ("cookies", "set_cookie"),
    [
        (b"", b"tb_v=v1."),
        (b"tb_v=forged", b"tb_v=v1."),
        (b"{anna}; {anna}", b"tb_v=v1."),
        (b"x={anna}", b"tb_v=v1."),
        (b"{anna} ; b=2", b""),
        (b"{anna}; tb_x=another-of-ours", b""),
        (b"{anna}; {denied}", b"tb_v=;"),
        (b"{denied}", b""),
        (b"{stranger}", None),
        (b"{anna}; tb_p=a-preview", None),
        (b"tb_p=a-preview", None),
    ],
    ids=[
        *("none", "forged", "twice", "within another", "with a blank", "another of ours", "forgotten", "denied"),
        *("not remembered", "a preview", "a preview alone"),
    ],
)
async def test_an_unknown_visitor_gets_the_same_answer_or_a_full_lookup(
    cookies: bytes, set_cookie: bytes | None
) -> None:
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=PUBLICATION, **CONSENT, visitor_cookie="persistent") as site,
    ):
        await warm(site)
        question, anna = asking(), site.visitor("anna")[1]
        looked_up(site, question, {b"cookie": anna})
        site.cookies.forget()
        stranger = site.cookies.visitor_pair("nobody", NOON)
        asked = cookies.replace(b"{anna}", anna).replace(b"{stranger}", stranger).replace(b"{denied}", DENIED)
        answer = again(site, question, {b"cookie": asked})
        if set_cookie is None:
            assert answer is None
            return
        assert answer is not None
        assert (b"\r\nset-cookie: " + set_cookie in answer) == bool(set_cookie)
        assert without_id(answer) == without_id(looked_up(site, question, {b"cookie": asked}))


def without_id(answer: bytes | None) -> bytes:
    """Each is given another."""
    return re.sub(rb"tb_v=v1[^;]*", b"tb_v=", answer or b"")


async def test_two_who_come_without_cookies_are_two_visitors() -> None:
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=PUBLICATION, visitor_cookie="session") as site,
    ):
        await warm(site)
        question = asking()
        looked_up(site, question, {})
        first, second = again(site, question, {}), again(site, question, {})
        assert first is not None and second is not None and first != second
        assert without_id(first) == without_id(second)


async def test_a_browser_that_wants_nobody_profiled_gets_what_it_would_get_else() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=PUBLICATION) as site:
        await warm(site)
        question, own = asking((b"sec-gpc", b"1")), dict([site.visitor("anna")])
        expected = looked_up(site, question, own)
        assert expected is not None and b"Anna" not in expected
        assert again(site, question, own) == expected


async def test_a_page_that_gave_way_to_others_is_held_by_none_who_asked_for_it() -> None:
    held: list[weakref.ref[Any]] = []
    small = {"publication": PUBLICATION, "cache_bytes": 500_000}
    async with Origin(always(ok(PAGE + b"x" * 60_000, *SHARED))) as origin, Site(origin.url, **small) as site:
        for number in range(12):
            question = asking(path=b"/%d" % number)
            await site.get(question.path)
            assert looked_up(site, question, {}) is not None and again(site, question, {}) is not None
            entry = site.gateway.memory.single(question.key)
            assert entry is not None and entry.memo_entry is not None
            held.append(weakref.ref(entry.memo_entry))
        del entry
        gc.collect()
        assert sum(page() is not None for page in held) == len(site.gateway.memory) < 5
