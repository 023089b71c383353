"""The demo's toolbar turns a browser into somebody, marks who it is, and asks why."""

from __future__ import annotations

import pytest

from proxy.decide.engine import decide
from proxy.demo.toolbar import SLOT, routes, with_toolbar
from proxy.demo.visitors import BY_NAME
from proxy.http.message import Request, Response
from proxy.model import EvaluationContext
from proxy.page.piece import Piece
from proxy.page.slots import INTERNAL
from proxy.rulebook.compile import load
from proxy.visitors.visitor import Cookies

NOW = 1_795_435_200.0
COOKIES = Cookies("a-secret-for-tests-long-enough", is_demo=True)
ROUTES = routes(COOKIES, "http://127.0.0.1:8081", lambda: NOW)
HOST = b"127.0.0.1:8080"


def request(path: bytes, *headers: tuple[bytes, bytes]) -> Request:
    return Request(b"GET", path, b"", HOST, headers)


async def become(name: str, *headers: tuple[bytes, bytes]) -> Response:
    return await ROUTES["/_tb/demo/as/"](request(b"/_tb/demo/as/" + name.encode(), *headers))


def cookies_set(response: Response) -> bytes:
    return b"; ".join(value.split(b";")[0] for name, value in response.headers if name == b"set-cookie")


@pytest.mark.parametrize("name", BY_NAME)
async def test_becoming_somebody_gives_their_signed_cookies(name: str) -> None:
    visitor = COOKIES.read(cookies_set(await become(name)), NOW)
    assert (visitor.id, visitor.segments) == (BY_NAME[name].id, BY_NAME[name].segments)


async def test_only_dan_was_never_here_before() -> None:
    first_seen = {name: COOKIES.read(cookies_set(await become(name)), NOW).first_seen_at for name in BY_NAME}
    assert [name for name, at in first_seen.items() if at == NOW] == ["dan"]


async def test_nobody_takes_the_cookies_away() -> None:
    gone = [value for name, value in (await become("nobody")).headers if name == b"set-cookie"]
    assert len(gone) == 2
    assert all(b"=;" in value and b"Max-Age=0" in value for value in gone)


async def test_an_unknown_name_is_not_found() -> None:
    assert (await become("mallory")).status == 404


@pytest.mark.parametrize(
    ("referer", "target"),
    [
        (b"http://127.0.0.1:8080/c/shoes?colour=red", b"/c/shoes?colour=red"),
        (b"http://127.0.0.1:8080//evil.example/", b"/evil.example/"),
        (b"http://evil.example/sale", b"/"),
        (b"http://127.0.0.1:8080/_tb/demo/as/ben", b"/"),
        (b"", b"/"),
    ],
)
async def test_one_comes_back_to_the_page_one_was_on_and_nowhere_else(referer: bytes, target: bytes) -> None:
    assert (await become("anna", (b"referer", referer))).get(b"location") == target


async def test_why_opens_the_studio_on_that_page_for_that_visitor() -> None:
    cookie = cookies_set(await become("ben"))
    page = (b"referer", b"http://127.0.0.1:8080/sale")
    headers = ((b"cookie", cookie), page, (b"accept-language", b"nl-BE"), (b"user-agent", b"Firefox/140.0"))
    answer = await ROUTES["/_tb/demo/why"](request(b"/_tb/demo/why", *headers))
    ben = BY_NAME["ben"]
    segments = "".join(f"&segment={name.replace(' ', '+')}" for name in sorted(ben.segments))
    told = f"url=/sale&visitor={ben.id}{segments}&language=nl-be&device=desktop"
    assert answer.get(b"location") == f"http://127.0.0.1:8081/why?{told}".encode()


async def test_its_stylesheet_is_served() -> None:
    answer = await ROUTES["/_tb/demo/toolbar.css"](request(b"/_tb/demo/toolbar.css"))
    assert answer.get(b"content-type") == b"text/css"
    assert b".tailorbird-demo" in answer.chunks[0]


def test_it_is_no_result_of_the_shops() -> None:
    assert SLOT.startswith(INTERNAL)


@pytest.mark.parametrize("name", [*BY_NAME, "nobody"])
def test_the_bar_marks_who_one_is(name: str) -> None:
    published = load({"none.rules.yaml": b"version: 1\nrules: []\n"}).publication
    assert published is not None
    publication = with_toolbar(published)
    attributes = BY_NAME[name].attributes if name in BY_NAME else {}
    decision = decide(publication.plan, EvaluationContext(now=NOW, attributes=attributes))[SLOT]
    pieces = publication.fragments[decision.variant].fill({})
    html = b"".join(piece.plain for piece in pieces if isinstance(piece, Piece)).decode()
    assert html.count("aria-current") == 1
    assert f'/_tb/demo/as/{name}"' in html[: html.index("aria-current")].rsplit("<a ", 1)[1]


def test_stages_and_holdouts_are_those_of_the_rules_and_everybody_has_the_bar() -> None:
    published = load(
        {
            "slots.yaml": b"slots: {home.hero: {}, all.topbar: {}}",
            "a.rules.yaml": b"""\
journey: {intent: {cart total: at least 1 EUR}}
holdout: {name: All, share: 50%}
rules:
  - {name: Stage, slot: home.hero, when: {journey stage: intent}, show: nothing new}
  - {name: Bar, slot: all.topbar, show: nothing new}
""",
        }
    ).publication
    assert published is not None
    plan = with_toolbar(published).plan
    assert plan.inputs_of(["home.hero"]) == published.plan.inputs_of(["home.hero"])
    for visitor in map(str, range(20)):
        context = EvaluationContext(visitor, NOW, {"cart total": 30.0})
        decisions = decide(plan, context)
        assert decisions.pop(SLOT).rule == "Demo toolbar for strangers"
        assert decisions == decide(published.plan, context)
