"""What processes tell each other of visitors."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from proxy.model import Arrival, Event
from proxy.ports import Store
from tests.visitors.test_capture import OPENED
from tests.visitors.test_consent_changes import ALL, TOOL, WEBHOOKS
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok
from tests.wire.storage import STORES, storage
from tests.wiring.test_tailorbird import ANNA, FOLDER, HTML, PAGE


async def test_an_erase_finds_a_page_that_was_opened_the_moment_before(tmp_path: Path) -> None:
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA], recorded_a_second=1_000.0) as shop,
    ):
        for _ in range(3):
            await shop.client.get("/", headers={"user-agent": "Mozilla/5.0 Firefox/140.0", **shop.cookies_of("anna")})
        receipt = await shop.tailorbird.desk.erase("anna")
        assert (receipt.erased["page views"], receipt.is_whole) == (3, True)


async def test_what_a_visitor_told_one_worker_counts_at_the_other(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as shared:  # sockets have short paths
        async with (
            Origin(always(ok(PAGE, *HTML))) as origin,
            Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA], shared=Path(shared)) as one,
            Behind(origin.url, FOLDER, tmp_path, shared=Path(shared)) as other,
        ):
            anna = one.cookies_of("anna")
            assert "Hello Anna" in (await other.client.get("/", headers=anna)).text  # and is remembered there
            told = Arrival("anna", Event(1.0, "crm:1", "identified"), "crm", 2.0, {"first name": "Ann"})
            await one.tailorbird.journal.record([told], 100)
            assert "Hello Ann<" in (await other.client.get("/", headers=anna)).text


LOOKERS = {
    "a.rules.yaml": """version: 1
rules:
  - name: Who opened it thrice
    slot: home.hero
    when: {opened: {page: /, times: at least 3, within: 1 hour}}
    show: {banner: {title: "There you are again"}}
""",
    "slots.yaml": "slots: {home.hero: {}}",
}


async def test_what_a_visitor_did_at_one_worker_the_other_counts_without_reading_it_again(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as shared:  # sockets have short paths
        async with (
            Origin(always(ok(PAGE, *HTML))) as origin,
            Behind(origin.url, LOOKERS, tmp_path, shared=Path(shared)) as one,
            Behind(origin.url, LOOKERS, tmp_path, shared=Path(shared)) as other,
        ):
            anna = {**OPENED, **one.cookies_of("anna")}
            await other.client.get("/", headers=anna)  # and is remembered there
            read = [
                other.tailorbird.metrics.get("tailorbird_profile_lookups_total", how) for how in ("store", "unknown")
            ]
            for _ in range(2):
                assert "There you" not in (await one.client.get("/", headers=anna)).text
            async with asyncio.timeout(30):
                while "There you are again" not in (await other.client.get("/a", headers=anna)).text:
                    await asyncio.sleep(0.01)
            again = [
                other.tailorbird.metrics.get("tailorbird_profile_lookups_total", how) for how in ("store", "unknown")
            ]
            assert again == read


async def views_in(store: Store, most: int) -> list[str]:
    """The views of the log, once it has so many."""
    async with asyncio.timeout(30):
        while len(log := (await store.log("", 100))[0]) < most:
            await asyncio.sleep(0.01)
    return [one.event.subject for one in sorted(log, key=lambda one: one.event) if one.event.kind == "page viewed"]


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("is_told", [False, True], ids=["without webhooks", "with a consent that webhooks hear of"])
async def test_a_first_page_counts_once_at_whichever_worker_its_visitor_comes_back(
    tmp_path: Path, kind: str, is_told: bool
) -> None:
    (tmp_path / "webhooks.yaml").write_text(WEBHOOKS, "utf-8")
    settings = {"webhooks": str(tmp_path / "webhooks.yaml"), **TOOL} if is_told else {}
    agreed = ALL["cookie"] if is_told else "a=b"
    with tempfile.TemporaryDirectory() as shared:  # sockets have short paths
        async with (
            storage(kind, tmp_path) as store,
            Origin(always(ok(PAGE, *HTML))) as origin,
            Behind(origin.url, FOLDER, tmp_path, shared=Path(shared), store=store, **settings) as one,
            Behind(origin.url, FOLDER, tmp_path, shared=Path(shared), store=store, **settings) as other,
        ):
            first = await one.client.get("/landing", headers={**OPENED, "cookie": agreed})
            known = {**OPENED, "cookie": f"{agreed}; {first.headers['set-cookie'].partition(';')[0]}"}
            await other.client.get("/second", headers=known)
            assert await views_in(other.tailorbird.store, 2 + is_told) == ["/landing", "/second"]
            await one.client.get("/third", headers=known)
            assert await views_in(one.tailorbird.store, 3 + is_told) == ["/landing", "/second", "/third"]
