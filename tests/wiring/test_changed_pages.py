"""What processes tell each other of pages that a form changed."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from tests.wire.behind import Behind
from tests.wire.origin import Origin, Seen, ok
from tests.wire.site import answering
from tests.wiring.test_tailorbird import FOLDER, HTML

HOST = {"host": "shop.example"}
PRIVATE = {"cache.yaml": "pages: [{path: /*, store: no}]"}


class Reviews:
    """An origin whose pages say how many reviews were sent to it."""

    def __init__(self) -> None:
        self.count = 0

    def answer(self, seen: Seen) -> bytes:
        if seen.method == b"POST":
            self.count += 1
            return b"HTTP/1.1 303 See Other\r\nLocation: /p/tent\r\nContent-Length: 0\r\n\r\n"
        return ok(b"<html><body>%d reviews</body></html>" % self.count, *HTML)


async def test_no_worker_shows_a_page_as_it_was_before_a_form_changed_it(tmp_path: Path) -> None:
    reviews = Reviews()
    with tempfile.TemporaryDirectory(prefix="tb-") as shared:  # sockets have short paths
        async with (
            Origin(answering(reviews.answer)) as origin,
            Behind(origin.url, FOLDER, tmp_path / "a", shared=Path(shared)) as one,
            Behind(origin.url, FOLDER, tmp_path / "b", shared=Path(shared)) as other,
        ):
            for shop in (one, other):
                for path in ("/p/tent", "/p/tent/review", "/"):
                    assert "0 reviews" in (await shop.client.get(path, headers=HOST)).text
            assert (await one.client.post("/p/tent/review", headers=HOST)).status_code == 303
            async with asyncio.timeout(20):
                while "0 reviews" in (await other.client.get("/p/tent/review", headers=HOST)).text:
                    await asyncio.sleep(0.01)
            for shop in (one, other):
                assert "1 reviews" in (await shop.client.get("/p/tent", headers=HOST)).text, "it leads there"
                assert "0 reviews" in (await shop.client.get("/", headers=HOST)).text, "of which nothing was said"


async def test_what_changes_while_a_message_is_sent_goes_with_the_next(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="tb-") as shared:
        async with (
            Origin(answering(Reviews().answer)) as origin,
            Behind(origin.url, FOLDER, tmp_path / "a", shared=Path(shared)) as one,
            Behind(origin.url, FOLDER, tmp_path / "b", shared=Path(shared)) as other,
        ):
            keys = [b"%s/%d" % (other.url.encode(), number) for number in range(3)]
            for number in range(3):
                await other.client.get(f"/{number}")
            memory = other.tailorbird._gateway.memory
            assert all(key in memory for key in keys)
            for key in keys:
                one.tailorbird._changed_pages.tell({key})
                await asyncio.sleep(0)
            async with asyncio.timeout(20):
                while any(key in memory for key in keys):
                    await asyncio.sleep(0.01)


@pytest.mark.parametrize(("folder", "is_told"), [(FOLDER, True), (FOLDER | PRIVATE, False)])
async def test_nobody_is_told_of_pages_that_are_not_kept(
    folder: dict[str, str], is_told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="tb-") as shared:
        async with (
            Origin(answering(Reviews().answer)) as origin,
            Behind(origin.url, folder, tmp_path, shared=Path(shared)) as shop,
        ):
            sent: list[str] = []

            async def publish(topic: str, payload: bytes = b"") -> None:
                sent.append(topic)

            monkeypatch.setattr(shop.tailorbird.bus, "publish", publish)
            await shop.client.post("/p/tent/review", headers=HOST)
            assert ("changed" in sent) is is_told
