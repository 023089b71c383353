"""What processes tell each other of visitors."""

from __future__ import annotations

import tempfile
from pathlib import Path

from proxy.model import Arrival, Event
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok
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
