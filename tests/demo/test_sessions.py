from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import Response

from proxy.demo.sessions import COOKIE, MAX_SEARCHES, Session, Sessions, account_for


def request(cookie: str = "") -> Request:
    headers = [(b"cookie", f"{COOKIE}={cookie}".encode())] if cookie else []
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    sessions = Sessions()
    cookie = sessions.hand_out(request(), Response(), sessions.of(request())).headers["set-cookie"].casefold()
    for word in ("httponly", "samesite=lax", "path=/"):
        assert word in cookie


def test_a_browser_that_has_its_cookie_is_not_sent_another() -> None:
    sessions = Sessions()
    session = sessions.of(request())
    again = sessions.of(request(session.id))
    assert again.id == session.id
    assert "set-cookie" not in sessions.hand_out(request(session.id), Response(), again).headers


def test_nothing_is_remembered_of_who_only_looked() -> None:
    sessions = Sessions()
    session = sessions.of(request())
    session.login = "anna"
    assert sessions.of(request(session.id)).login == ""
    sessions.keep(session)
    assert sessions.of(request(session.id)) is session


@pytest.mark.parametrize("cookie", ["short", "x" * 33, "ü" * 32, "../" * 11])
def test_a_cookie_that_is_not_ours_gives_a_new_session(cookie: str) -> None:
    assert Sessions().of(request(cookie)).id != cookie


def test_the_last_few_searches_are_remembered_latest_first() -> None:
    session = Session("s")
    for query in ("a", "b", "a", "c", "d", "e", "f"):
        session.remember_search(query)
    assert session.searches == ["f", "e", "d", "c", "a"]
    assert len(session.searches) == MAX_SEARCHES


def test_a_password_opens_its_own_account_only() -> None:
    account = account_for("Cleo", "demo")
    assert account is not None
    assert account.first_name == "Cleo"
    assert account_for("cleo", "Demo") is None
    assert account_for("cleo", "démo") is None
