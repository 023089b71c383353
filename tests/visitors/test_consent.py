"""Consent: what holds for a request, and that pages keep to it from the next request on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.errors import OperatorError
from proxy.http.message import Request
from proxy.model import Between, Consent, Event, Fact, Measure, OneOf, Profile, Reading, Visitor
from proxy.settings import Settings
from proxy.visitors.consent import Consents, allowed, of_this_visit
from tests.wire.behind import BUYERS_AND_VIPS, Behind
from tests.wire.origin import Origin, always, ok
from tests.wire.site import NOON, PAGE, SHARED, Site, published, shown

TOOLS = Settings(consent=("own", "cookieyes"))


def asking(cookie: str = "", **fields: str) -> Request:
    headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    headers += [(b"cookie", cookie.encode())] if cookie else []
    return Request(b"GET", b"/", b"", b"shop.example", tuple(headers))


@pytest.mark.parametrize(
    ("settings", "request_", "level"),
    [
        (Settings(), asking(), Consent.PROFILE),
        (Settings(), asking(sec_gpc="1"), Consent.CONTEXTUAL),
        (Settings(), asking(dnt="1"), Consent.CONTEXTUAL),
        (Settings(), asking(sec_gpc="0", dnt="0"), Consent.PROFILE),
        (Settings(privacy_signals=False), asking(sec_gpc="1"), Consent.PROFILE),
        (TOOLS, asking(), Consent.SESSION),
        (TOOLS, asking("tb_consent=profile"), Consent.PROFILE),
        (TOOLS, asking("tb_consent=none"), Consent.NONE),
        (TOOLS, asking("tb_consent=none", sec_gpc="1"), Consent.NONE),
        (TOOLS, asking("tb_consent=profile", sec_gpc="1"), Consent.CONTEXTUAL),
        (TOOLS, asking("tb_consent=profile; cookieyes-consent=functional:no"), Consent.CONTEXTUAL),
        (TOOLS, asking("tb_consent=profile; tb_consent=none"), Consent.NONE),
        (Settings(consent=("own",), consent_default="contextual"), asking(), Consent.CONTEXTUAL),
    ],
)
def test_the_least_that_is_agreed_to_holds(settings: Settings, request_: Request, level: Consent) -> None:
    assert Consents(settings).of(request_) is level


def test_a_tool_that_there_is_not_is_refused() -> None:
    with pytest.raises(OperatorError, match="there is no consent tool `onetrsut`"):
        Consents(Settings(consent=("onetrsut",)))


def test_a_visitor_is_known_as_far_as_they_agreed() -> None:
    anna = Visitor("anna", 1.0, frozenset({"VIP"}))
    assert allowed(anna, Consent.PROFILE) is anna
    assert allowed(anna, Consent.SESSION) == Visitor("anna", 1.0, consent=Consent.SESSION)
    assert allowed(anna, Consent.CONTEXTUAL) == Visitor(consent=Consent.CONTEXTUAL)


def test_a_session_knows_the_visit_under_way_and_nothing_else() -> None:
    history = tuple(Event(NOON - ago, str(ago), "page viewed") for ago in (9_000, 900, 60))
    profile = Profile("anna", {"first name": "Anna"}, frozenset({"VIP"}), history=history)
    assert of_this_visit(profile, NOON) == Profile("anna", history=history[1:])
    assert of_this_visit(profile, NOON + 1_800) == Profile("anna")
    assert of_this_visit(None, NOON) is None


async def test_a_withdrawal_takes_effect_on_the_next_request() -> None:
    rules = published(shown("For gold", when=Fact("tier", OneOf(frozenset({"gold"})))), shown("For all", order=1))
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=rules, consent=("own",)) as site,
    ):
        await site.remember("anna", tier="gold")
        _, cookie = site.visitor("anna")

        async def home(level: bytes) -> bytes:
            return (await site.get(b"/", (b"cookie", cookie + b"; tb_consent=" + level))).body

        assert b"For gold" in await home(b"profile")
        assert b"For all" in await home(b"none")
        assert b"For gold" in await home(b"profile")
        assert b"For all" in await home(b"contextual")
        assert b"For all" in await home(b"session"), "what is known from before the session is not used"


async def test_without_consent_there_is_no_cookie_and_rules_see_the_request_alone() -> None:
    never = Fact("orders", Between(0, 0), measure=Measure(Reading.COUNT, ("order completed",)))
    dutch = Fact("language", OneOf(frozenset({"nl"})))
    rules = published(shown("For newcomers", when=never), shown("Dutch", when=dutch, order=1))
    origin = Origin(always(ok(PAGE, *SHARED)))
    async with origin, Site(origin.url, publication=rules, visitor_cookie="session") as site:
        plain = await site.get(b"/")
        assert b"For newcomers" in plain.body and plain["set-cookie"]
        private = await site.get(b"/", (b"sec-gpc", b"1"), (b"accept-language", b"nl"))
        assert b"Dutch" in private.body and not private["set-cookie"]


async def test_withdrawn_consent_deletes_our_cookie() -> None:
    origin = Origin(always(ok(PAGE, *SHARED)))
    async with origin, Site(origin.url, publication=published(shown("Hi")), consent=("own",)) as site:
        name, cookie = site.visitor("anna")
        told = await site.get(b"/", (name, cookie + b"; tb_consent=contextual"))
    assert told["set-cookie"].startswith("tb_v=; ") and told["set-cookie"].endswith("Max-Age=0")


async def test_a_session_gets_a_cookie_that_ends_with_it() -> None:
    origin = Origin(always(ok(PAGE, *SHARED)))
    async with (
        origin,
        Site(origin.url, publication=published(shown("Hi")), consent=("own",), visitor_cookie="persistent") as site,
    ):
        lasting = await site.get(b"/", (b"cookie", b"tb_consent=profile"))
        passing = await site.get(b"/", (b"cookie", b"tb_consent=session"))
    assert "Max-Age" in lasting["set-cookie"]
    assert passing["set-cookie"] and "Max-Age" not in passing["set-cookie"]


async def test_a_cookie_lasts_as_long_as_what_is_agreed_to_now_and_its_visitor_stays_the_same() -> None:
    origin = Origin(always(ok(PAGE, *SHARED)))
    async with (
        origin,
        Site(origin.url, publication=published(shown("Hi")), consent=("own",), visitor_cookie="persistent") as site,
    ):
        cookie, visitors, told = "", set(), []
        for level in ("session", "session", "profile", "profile", "session", "session"):
            got = await site.get(b"/", (b"cookie", f"{cookie}; tb_consent={level}".encode()))
            cookie = got["set-cookie"].partition(";")[0] or cookie
            visitors.add(site.cookies.read(cookie.encode(), site.now).id)
            told.append(got["set-cookie"] and ("for long" if "Max-Age" in got["set-cookie"] else "for the session"))
    assert told == ["for the session", "", "for long", "", "for the session", ""]
    assert len(visitors) == 1


@pytest.mark.parametrize("setting", ["session", "off"])
async def test_where_all_cookies_last_alike_or_others_set_them_none_is_set_anew(setting: str) -> None:
    origin = Origin(always(ok(PAGE, *SHARED)))
    async with (
        origin,
        Site(origin.url, publication=published(shown("Hi")), consent=("own",), visitor_cookie=setting) as site,
    ):
        name, cookie = site.visitor("anna")
        for level in (b"profile", b"session", b"profile"):
            assert not (await site.get(b"/", (name, cookie + b"; tb_consent=" + level)))["set-cookie"]


@pytest.mark.parametrize("is_off", [False, True], ids=["live", "paused"])
async def test_without_consent_nothing_is_recorded_even_anonymously(is_off: bool) -> None:
    origin = Origin(always(ok(PAGE, *SHARED)))
    rules = replace(published(shown("Hi")), is_off=is_off)
    async with origin, Site(origin.url, publication=rules, consent=("own",), recorded_a_second=1_000.0) as site:
        _, cookie = site.visitor("anna")
        for level, recorded in ((b"none", 0), (b"contextual", 1), (b"profile", 1)):
            site.now += 1
            await site.get(b"/", (b"cookie", cookie + b"; tb_consent=" + level))
            views = list(site.recorder.take())
            assert len(views) == recorded
            assert {view.visitor for view in views} <= {"anna" if level == b"profile" and not is_off else ""}


@pytest.mark.parametrize(
    ("fields", "is_known"),
    [({"sec-gpc": "1"}, False), ({"cookie": "tb_consent=none"}, False), ({"cookie": "tb_consent=profile"}, True)],
    ids=["the browser says no", "the visitor says no", "the visitor agrees"],
)
async def test_without_consent_there_is_no_cookie_and_no_row(
    fields: dict[str, str], is_known: bool, tmp_path: Path
) -> None:
    asked = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0", "accept": "text/html", **fields}
    origin = Origin(always(ok(PAGE, *SHARED)))
    async with origin, Behind(origin.url, BUYERS_AND_VIPS, tmp_path, consent=("own", "tcf")) as shop:
        for _ in range(3):
            answer = await shop.client.get("/", headers=asked)
            pair = answer.headers.get("set-cookie", "").partition(";")[0]
            shop.client.cookies.clear()
            assert is_known or not pair
            asked["cookie"] = "; ".join(filter(None, (asked.get("cookie"), pair)))
        await shop.tailorbird.journal.aclose()  # what pages noted is in the store now
        assert bool((await shop.tailorbird.store.log("", 100))[0]) is is_known
        assert bool([one async for one in shop.tailorbird.store.visitors()]) is is_known
