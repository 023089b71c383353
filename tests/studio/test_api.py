"""What programs ask of the admin listener is done, and what makes no sense is told."""

from __future__ import annotations

import pytest

from proxy.httpcache.purge import purge_of
from tests.studio.test_app import Shop, browser


async def test_readiness_fails_while_stopping() -> None:
    async with browser(Shop(is_stopping=True)) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["state"]) == (503, "stopping")
        assert (await client.get("/livez")).status_code == 200


async def test_metrics_are_prometheus_text() -> None:
    async with browser(Shop()) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE tailorbird_requests_total counter" in answer.text


async def test_what_changed_of_products_is_taken_and_what_makes_no_sense_told() -> None:
    site = Shop()
    async with browser(site) as client:
        answer = await client.post("/api/products", json=[{"id": "A", "title": "A", "link": "/a"}, {"id": "B"}])
        refused = await client.post("/api/products", content=b"{}", headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["changed"], answer.json()["left_out"][0]["id"]) == (200, 1, "B")
    assert site.hub.get("A") is not None and refused.status_code == 415


async def test_a_purge_says_how_much_it_purged(caplog: pytest.LogCaptureFixture) -> None:
    site = Shop()
    caplog.set_level("INFO", "tailorbird.studio")
    async with browser(site) as client:
        answer = await client.post("/api/purge", json={"urls": ["/sale"], "tags": ["product-7"], "soft": True})
    assert answer.status_code == 200
    assert answer.json() == {"purged": 3, "workers": 2, "confirmed": 2, "everywhere": True}
    assert site.purged == [purge_of(["/sale"], tags=["product-7"], is_soft=True)]
    said = "purged softly urls /sale; tags product-7: 3 stored copies, 2 of 2 workers"
    assert [record.getMessage() for record in caplog.records] == [f"127.0.0.1 {said}"]


async def test_who_asks_for_what_is_stored_of_a_visitor_is_logged_and_the_visitor_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "tailorbird.studio")
    async with browser(Shop()) as client:
        for path in ("/api/export", "/api/erase"):
            await client.post(path, json={"visitor": "mia@mail.example"})
    assert len(caplog.records) == 2 and "mia" not in caplog.text


async def test_a_webhook_that_sends_a_body_of_its_own_purges_what_its_address_names() -> None:
    site = Shop()
    async with browser(site) as client:
        answer = await client.post("/api/purge?prefix=/c/&tag=a", json={"event": "entry.update", "model": "product"})
        assert answer.status_code == 200
    assert site.purged == [purge_of(prefixes=["/c/"], tags=["a"])]


async def test_a_purge_that_a_worker_has_not_done_yet_is_no_success() -> None:
    async with browser(Shop(is_late=True)) as client:
        answer = await client.post("/api/purge", json={"prefixes": ["/"]})
    assert (answer.status_code, answer.json()["confirmed"]) == (503, 1)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"urls": "/"}', b'{"urls": ["sale"]}', b'{"url": ["/"]}', b"urls=/"])
async def test_what_is_no_purge_purges_nothing_and_says_why(body: bytes) -> None:
    site = Shop()
    async with browser(site) as client:
        sent_as = {"content-type": "Application/JSON; charset=utf-8"}
        answer = await client.post("/api/purge", content=body, headers=sent_as)
    assert (answer.status_code, site.purged) == (400, [])
    assert answer.text.strip()


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_purge_that_a_foreign_page_could_have_sent_is_refused(content_type: str) -> None:
    site = Shop()
    async with browser(site) as client:
        answer = await client.post("/api/purge", content=b'{"prefixes": ["/"]}', headers={"content-type": content_type})
    assert (answer.status_code, site.purged) == (415, [])


@pytest.mark.parametrize("path", ["/api/purge", "/api/products", "/api/erase", "/api/export"])
async def test_a_body_that_would_fill_the_memory_is_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.studio.api.MAX_BYTES", 1_000)
    async with browser(Shop()) as client:
        answer = await client.post(path, content=b" " * 1_001, headers={"content-type": "application/json"})
    assert answer.status_code == 413


async def test_somebody_is_exported_and_erased_by_a_body_that_names_them() -> None:
    async with browser(Shop()) as client:
        told = await client.post("/api/export", json={"visitor": "anna"})
        gone = await client.post("/api/erase", json={"visitor": "anna"})
        foreign = await client.post("/api/erase", content=b'{"visitor": "anna"}')
    assert told.json() == {"ids": ["anna"]}
    assert (gone.status_code, gone.json()["erased"]) == (200, {"events": 3})
    assert foreign.status_code == 415


@pytest.mark.parametrize("body", [b"{}", b'{"visitor": "anna", "all": true}', b"anna"])
async def test_what_names_nobody_exports_and_erases_nothing_and_says_why(body: bytes) -> None:
    async with browser(Shop()) as client:
        for path in ("/api/export", "/api/erase"):
            answer = await client.post(path, content=body, headers={"content-type": "application/json"})
            assert (answer.status_code, "this names no visitor" in answer.text) == (400, True)


@pytest.mark.parametrize("shop", [Shop(is_late=True), Shop(is_ready=False)], ids=["something is left", "store away"])
async def test_an_erasure_that_is_not_whole_is_no_success(shop: Shop) -> None:
    async with browser(shop) as client:
        assert (await client.post("/api/erase", json={"visitor": "anna"})).status_code == 503
