"""What is stored and fresh, looked up step by step; and of whom the way is remembered."""

from __future__ import annotations

from proxy.rulebook.compile import Publication
from tests.wire.asking import again, asking, looked_up
from tests.wire.origin import Origin, always, ok
from tests.wire.site import PAGE, SHARED, Site, in_segment, published, shown

PUBLICATION = published(shown("Hello VIP", when=in_segment("vip")), shown("Hello", order=1))


async def warm(site: Site) -> None:
    for _ in range(2):
        await site.get(b"/", site.visitor("anna", "vip"))


async def test_what_was_looked_up_is_known_when_it_is_asked_again() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=PUBLICATION) as site:
        await warm(site)
        question, own = asking(), dict([site.visitor("anna", "vip")])
        assert again(site, question, own) is None
        assert b"Hello VIP" in (looked_up(site, question, own) or b"")
        assert again(site, question, own) == looked_up(site, question, own)
        assert looked_up(site, asking(method=b"POST"), own) is None


async def test_while_everything_is_paused_each_is_looked_up() -> None:
    paused = Publication("v1", PUBLICATION.plan, PUBLICATION.fragments, (), PUBLICATION.rules, (), (), is_off=True)
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=paused) as site:
        await warm(site)
        question, own = asking(), dict([site.visitor("anna")])
        assert looked_up(site, question, own) is not None
        assert again(site, question, own) is None


async def test_where_clients_may_refresh_each_is_looked_up() -> None:
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=PUBLICATION, clients_may_refresh=True) as site,
    ):
        await warm(site)
        question, own = asking(), dict([site.visitor("anna")])
        assert looked_up(site, question, own) is not None
        assert again(site, question, own) is None
        assert looked_up(site, asking((b"cache-control", b"no-cache")), own) is None
