"""OFREP by the published OpenFeature SDK and its OFREP provider, unchanged, and what they do not ask by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from proxy.model import Profile
from proxy.page.slots import DeclaredSlot
from proxy.serve.ofrep import MOST_FLAGS
from tests.serve.test_decide_api import KEYS, NOBODY, OWN, RULES, SERVER
from tests.wire.programs import bearer, post
from tests.wire.served import Heard, Served
from tests.wire.site import published as site_published
from tests.wire.site import shown

FLAGS = b"/_tb/ofrep/v1/evaluate/flags"
ANNA = {"targetingKey": "anna", "firstName": "Anna", "segments": ["VIP"]}


@asynccontextmanager
async def openfeature(served: Served, key: str = SERVER) -> AsyncIterator[OpenFeatureClient]:
    """A client of the shop's server."""
    headers = {"Authorization": f"Bearer {key}", "Connection": "close"}
    provider = OFREPProvider(f"http://127.0.0.1:{served.listener.port}/_tb", headers_factory=lambda: headers)
    await asyncio.to_thread(api.set_provider_and_wait, provider, "shop")
    try:
        yield api.get_client("shop")
    finally:
        provider.session.close()
        api.clear_providers()


async def evaluated(client: OpenFeatureClient, flag: str, key: str | None = "anna", **told: Any) -> Any:
    context = EvaluationContext(key, told)
    return await asyncio.to_thread(client.get_object_details, flag, {"title": "ours"}, context)


async def test_the_openfeature_sdk_reads_a_slot_as_a_flag() -> None:
    async with Served(NOBODY, publication=RULES, write_keys=KEYS) as served, openfeature(served) as client:
        vip = await evaluated(client, "home.hero", firstName="Anna", segments=["VIP"])
        assert (vip.value["title"], vip.reason, vip.variant) == (
            "Hello Anna",
            Reason.TARGETING_MATCH,
            "Twice is enough",
        )
        assert vip.flag_metadata["rule"] == "Twice is enough" and vip.flag_metadata["rules"] == RULES.plan.version
        nobody = await evaluated(client, "home.hero")
        assert (nobody.value, nobody.reason, nobody.variant) == ({"title": "ours"}, Reason.STATIC, "default")
        split = await evaluated(client, "home.row")
        assert split.reason == Reason.SPLIT and split.value["title"] in "AB"


async def test_what_cannot_be_evaluated_is_an_error_that_the_sdk_knows() -> None:
    async with Served(NOBODY, publication=RULES, write_keys=KEYS) as served:
        async with openfeature(served) as client:
            gone = await evaluated(client, "no.such.slot")
            assert (gone.value, gone.error_code) == ({"title": "ours"}, ErrorCode.FLAG_NOT_FOUND)
            assert (await evaluated(client, "home.hero", key=None)).error_code == ErrorCode.TARGETING_KEY_MISSING
            assert (await evaluated(client, "home.hero", key="a b")).error_code == ErrorCode.INVALID_CONTEXT
        async with openfeature(served, "guessed") as client:
            assert (await evaluated(client, "home.hero")).error_message == "unauthorized"


async def ask(served: Served, context: object, *headers: tuple[bytes, bytes], path: bytes = FLAGS) -> Heard:
    body = context if isinstance(context, bytes) else json.dumps({"context": context}).encode()
    return await post(served, path, body, *headers)


async def test_all_flags_are_evaluated_at_once_and_asked_again_by_their_etag() -> None:
    async with Served(NOBODY, publication=RULES, write_keys=KEYS) as served:
        heard = await ask(served, ANNA, bearer(SERVER))
        flags = {flag["key"]: flag for flag in json.loads(heard.body)["flags"]}
        assert set(flags) == {"home.hero", "home.row"}
        one = json.loads((await ask(served, ANNA, bearer(SERVER), path=FLAGS + b"/home.hero")).body)
        assert one == flags["home.hero"]
        known = await ask(served, {**ANNA, "no sense": {}}, bearer(SERVER))
        assert json.loads(known.body)["metadata"]["ignored"] == "no sense" and known.body.count(b"no sense") == 1
        etag = heard.headers[b"etag"]
        again = await ask(served, ANNA, bearer(SERVER), (b"If-None-Match", etag))
        assert (again.status, again.body, again.headers[b"etag"]) == (304, b"", etag)
        other = await ask(served, {**ANNA, "segments": []}, bearer(SERVER), (b"If-None-Match", etag))
        assert other.status == 200 and "value" not in json.loads(other.body)["flags"][0]


async def test_a_shop_without_slots_has_no_flags() -> None:
    async with Served(NOBODY, publication=site_published(), write_keys=KEYS) as served:
        heard = await ask(served, ANNA, bearer(SERVER))
        assert (heard.status, json.loads(heard.body)["flags"]) == (200, [])


async def test_more_flags_than_a_worker_has_time_for_are_asked_for_one_by_one() -> None:
    names = [f"slot{number}.a" for number in range(MOST_FLAGS + 1)]
    rules = site_published(shown("Hi"), declared=[DeclaredSlot(name) for name in names])
    async with Served(NOBODY, publication=rules, write_keys=KEYS) as served:
        told = json.loads((await ask(served, ANNA, bearer(SERVER))).body)
        assert told["errorCode"] == "GENERAL" and f"{MOST_FLAGS}" in told["errorDetails"]
        assert (await ask(served, ANNA, bearer(SERVER), path=FLAGS + b"/slot0.a")).status == 200


async def test_a_page_of_the_shop_is_its_cookies_visitor_whatever_its_sdk_sends() -> None:
    async with Served(NOBODY, publication=RULES, write_keys=KEYS) as served:
        cookie = served.site.visitor("anna", "VIP")
        heard = await ask(
            served, {"targetingKey": "somebody", "segments": ["Gold"]}, cookie, path=FLAGS + b"/home.hero"
        )
        flag = json.loads(heard.body)
        assert (flag["value"]["title"], flag["metadata"]["ignored"]) == ("Hello VIP", "targetingKey, segments")
        stranger = json.loads((await ask(served, ANNA, path=FLAGS + b"/home.hero")).body)
        assert "value" not in stranger and stranger["reason"] == "STATIC"


@pytest.mark.parametrize(
    ("context", "code"),
    [(b"{", "PARSE_ERROR"), (b"[" * 50_000, "PARSE_ERROR"), (b"[]", "INVALID_CONTEXT"),
     (b'{"context": 7}', "INVALID_CONTEXT"),
     ({"targetingKey": 7}, "INVALID_CONTEXT"), ({}, "TARGETING_KEY_MISSING"),
     ({"targetingKey": "anna", "page": "https://elsewhere.example/"}, "INVALID_CONTEXT")],
)  # fmt: skip
async def test_a_body_that_makes_no_sense_is_told_so_in_the_protocols_words(context: object, code: str) -> None:
    async with Served(NOBODY, publication=RULES, write_keys=KEYS) as served:
        heard = await ask(served, context, bearer(SERVER), path=FLAGS + b"/home.hero")
    told = json.loads(heard.body)
    assert (heard.status, told["errorCode"], told["key"]) == (400, code, "home.hero") and told["errorDetails"]


async def test_when_deciding_fails_the_program_keeps_its_own() -> None:
    async with Served(NOBODY, publication=RULES, write_keys=KEYS) as served:
        broken = Profile("anna", history=(None,), updated_at=served.site.now)  # type: ignore[arg-type]
        served.site.profiles.remember("anna", broken, served.site.now)
        async with openfeature(served) as client:
            assert (await evaluated(client, "home.hero", segments=["VIP"])).value == {"title": "ours"}
        assert (await ask(served, ANNA, bearer(SERVER))).status == 500


async def test_an_arm_that_is_the_programs_own_is_the_variant() -> None:
    async with Served(NOBODY, publication=OWN, write_keys=KEYS) as served, openfeature(served) as client:
        bar = await evaluated(client, "home.row")
        assert (bar.value, bar.reason, bar.variant) == ({"title": "ours"}, Reason.SPLIT, "Bar / control")
