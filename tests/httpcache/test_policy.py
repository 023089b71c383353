from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.httpcache import directives
from proxy.httpcache.policy import CacheReason, may_reuse, may_serve_on_error, may_store, why_never_storable
from proxy.httpcache.stored import CacheOptions, StoredResponse, stored_response
from proxy.model import Headers

CASES = yaml.safe_load((Path(__file__).parent.parent / "cases" / "rfc9111.yaml").read_text(encoding="utf-8"))
TARGETED = (b"tailorbird-cache-control", b"cdn-cache-control", b"surrogate-control")
NOON = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT


def headers(written: Any) -> Headers:
    pairs = written.items() if isinstance(written, dict) else written
    return tuple((name.lower().encode(), value.encode()) for name, value in pairs)


def answer(case: dict[str, Any]) -> Headers:
    given = headers(case["response"])
    return given if any(name == b"date" for name, _ in given) else (*given, (b"date", b"Sun, 06 Nov 1994 08:49:37 GMT"))


def stored(case: dict[str, Any]) -> StoredResponse:
    status, heuristic = case.get("status", 200), case.get("heuristic", 0.0)
    return stored_response(status, answer(case), b"body", NOON, NOON, CacheOptions(heuristic, TARGETED))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_verdict_on_storing_is_the_tables(case: dict[str, Any]) -> None:
    request, status = headers(case.get("request", {})), case.get("status", 200)
    verdict = may_store(request, status, answer(case), NOON, CacheOptions(case.get("heuristic", 0.0), TARGETED))
    assert verdict.reason == case["store"]
    assert bool(verdict) == (case["store"] == "storable")


@pytest.mark.parametrize("case", [case for case in CASES if "reuse" in case], ids=lambda case: case["name"])
def test_the_verdict_on_reuse_is_the_tables(case: dict[str, Any]) -> None:
    asked = directives.parse(case.get("asked", "").encode())
    said = {after: may_reuse(stored(case), NOON + after, asked) for after in case["reuse"]}
    assert {after: verdict.reason for after, verdict in said.items()} == case["reuse"]
    for verdict in said.values():
        assert bool(verdict) == (verdict.reason in ("fresh", "stale-while-revalidate")) or verdict.reason == "stale"


@pytest.mark.parametrize("case", [case for case in CASES if "on error" in case], ids=lambda case: case["name"])
def test_the_verdict_on_serving_stale_is_the_tables(case: dict[str, Any]) -> None:
    kept = stored(case)
    said = {after: may_serve_on_error(kept, NOON + after, default_seconds=3600) for after in case["on error"]}
    assert {after: verdict.reason for after, verdict in said.items()} == case["on error"]
    assert all(bool(verdict) == (verdict.reason == "stale-if-error") for verdict in said.values())


def test_only_fresh_or_allowed_stale_answers_may_be_reused() -> None:
    kept = stored_response(
        200, headers({"Cache-Control": "max-age=60, stale-while-revalidate=5"}), b"", NOON, NOON, CacheOptions()
    )
    yes = [bool(may_reuse(kept, NOON + after)) for after in (59, 61, 66)]
    assert yes == [True, True, False]


def test_max_stale_allows_reuse_within_its_seconds() -> None:
    kept = stored_response(200, headers({"Cache-Control": "max-age=60"}), b"", NOON, NOON, CacheOptions())
    asked = directives.parse(b"max-stale=10")
    assert [bool(may_reuse(kept, NOON + after, asked)) for after in (70, 71)] == [True, False]
    shared = stored_response(200, headers({"Cache-Control": "s-maxage=60"}), b"", NOON, NOON, CacheOptions())
    assert not may_reuse(shared, NOON + 70, asked), "s-maxage forbids what is stale"


def test_what_may_never_be_stored_is_told_whoever_asks() -> None:
    options = CacheOptions(targeted_fields=TARGETED)
    assert why_never_storable(200, headers({"Cache-Control": "max-age=60"}), options) is None
    assert why_never_storable(200, (), options) is None, "a lifetime may be given later"
    assert why_never_storable(200, headers({"Cache-Control": "private"}), options) == "private"


def test_every_reason_is_given_by_some_case() -> None:
    given = {case["store"] for case in CASES}
    for case in CASES:
        given |= set(case.get("reuse", {}).values()) | set(case.get("on error", {}).values())
    assert given == {str(why) for why in CacheReason}
