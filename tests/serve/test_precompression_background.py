from __future__ import annotations

from functools import partial

import pytest

from proxy.page.piece import Piece
from proxy.page.template import HOT_AFTER, Seams
from proxy.serve.precompression import Background
from tests.wire.origin import Origin, always, ok
from tests.wire.site import NOON, SHARED, Site, eventually, published, shown

CARDS = b"<li class=card>light linen</li>" * 300
PAGE = b"<body>" + CARDS + b"<div data-slot=home.hero>the default</div>" + CARDS
GZIP = (b"accept-encoding", b"gzip")


def ask(background: Background, seams: Seams, content: bytes) -> None:
    for _ in range(HOT_AFTER):
        seams.note_missing(0, Piece(content))
    background.make(seams, partial(seams.make, seams.take_wanted()))


def hit_length(site: Site) -> int:
    answer = site.gateway.hit(site.request(b"/", GZIP), NOON)
    assert answer is not None
    return sum(map(len, answer.chunks))


async def test_a_page_asked_for_often_gets_smaller_and_stays_the_same_page() -> None:
    banner = published(shown("For all"))
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=banner) as site:
        first = await site.get(b"/", GZIP)
        await eventually(lambda: hit_length(site) < first.wire_length)
        last = await site.get(b"/", GZIP)
    assert last.wire_length < first.wire_length
    assert (last.body, last["etag"]) == (first.body, first["etag"])


@pytest.mark.parametrize(("asked", "has_any"), [((), False), ((GZIP,), True)])
async def test_only_what_is_given_in_gzip_has_any(asked: tuple[tuple[bytes, bytes], ...], has_any: bool) -> None:
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=published(shown("All"))) as site,
    ):
        await site.get(b"/", *asked)
        kept = site.gateway.kept(site.request(b"/"))
        assert kept is not None and kept.template is not None
        assert ("seams" in vars(kept.template)) is has_any


async def test_a_publish_takes_effect_though_the_page_has_seams() -> None:
    old, new = published(shown("The old")), published(shown("The new"))
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=old) as site:
        for _ in range(3 * HOT_AFTER):
            assert b"The old" in (await site.get(b"/", GZIP)).body
        site.gateway.publish(new)
        for _ in range(3 * HOT_AFTER):
            assert b"The new" in (await site.get(b"/", GZIP)).body


async def test_seams_of_all_pages_together_stay_within_their_memory() -> None:
    background = Background("test", most_bytes=10_000)
    pages = [Seams([Piece(CARDS), Piece(CARDS)]) for _ in range(10)]
    for seams in pages:
        ask(background, seams, b"content")
        await eventually(lambda: seams.size > 0)  # noqa: B023
        assert sum(each.size for each in pages) <= 15_000


async def test_what_was_forgotten_is_made_again() -> None:
    background, seams = Background("test", most_bytes=0), Seams([Piece(CARDS), Piece(CARDS)])
    for content in (b"one", b"other", b"one"):
        ask(background, seams, content)
        await eventually(lambda: Piece(content).name() in seams.made[0])  # noqa: B023


class Counted:
    """Something whose size is asked for."""

    def __init__(self) -> None:
        self.size_asked = 0

    @property
    def size(self) -> int:
        self.size_asked += 1
        return 1

    def forget(self) -> None:
        """Nothing is in memory."""


async def test_what_many_take_is_not_added_up_for_each_of_them() -> None:
    background, all_of_them = Background("test", 1_000), [Counted() for _ in range(500)]
    for one in all_of_them:
        background.make(one, lambda: None)
    await eventually(lambda: all_of_them[-1].size_asked > 0)  # one thread, in order
    assert sum(one.size_asked for one in all_of_them) < 10 * len(all_of_them)


class Unmade(Seams):
    """Seams that cannot be made."""

    def make(self, wanted: object) -> None:
        raise MemoryError


async def test_a_failure_is_logged_and_costs_nobody_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    background, statics = Background("test", 1 << 30), [Piece(b"a"), Piece(b"b")]
    broken, good = Unmade(statics), Seams(statics)
    for seams in (broken, good):
        ask(background, seams, b"content")
    await eventually(lambda: good.size > 0)
    assert "an answer could not be made smaller" in caplog.text
