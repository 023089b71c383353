from __future__ import annotations

import pytest

from proxy.conditions.phrase import Phrase
from proxy.conditions.vocabulary import REQUESTED
from proxy.errors import RequestError
from proxy.events.intake import stranger_id
from proxy.http.message import Request
from proxy.model import Headers
from proxy.settings import Settings
from proxy.visitors.callers import Caller, Callers, stated_context
from proxy.visitors.collect import stranger_key
from proxy.visitors.context import REQUEST_ATTRIBUTES

SERVER = "a-key-of-a-server-long-enough"
SETTINGS = Settings(
    secret="a-secret", write_keys=(f"crm:server:{SERVER}", "app:public:app-key", "till:trusted:till-key")
)


def called(named: str, *headers: tuple[bytes, bytes]) -> Caller:
    return Callers(SETTINGS).of(Request(b"POST", b"/_tb/decide", b"", b"shop.example", headers), named)


def bearer(key: str) -> tuple[bytes, bytes]:
    return b"authorization", b"Bearer " + key.encode()


def test_a_server_names_anybody_an_app_its_own_and_who_has_no_key_nobody() -> None:
    assert called("anna", bearer(SERVER)) == Caller("anna", has_key=True, is_server=True)
    for name, key in (("app", "app-key"), ("till", "till-key")):
        assert called("anna", bearer(key)) == Caller(stranger_id(stranger_key(SETTINGS), name, "anna"), has_key=True)
    assert called("") == Caller()
    assert called("", bearer(SERVER)) == Caller("", has_key=True, is_server=True)
    assert called("", bearer("app-key")) == Caller("", has_key=True)


@pytest.mark.parametrize("phrase", [one for one in REQUESTED if one.choices and one.attribute in REQUEST_ATTRIBUTES])
def test_what_a_phrase_may_be_an_app_may_say_and_nothing_else(phrase: Phrase) -> None:
    stated = stated_context({phrase.attribute: phrase.choices[0].upper()}, by_server=True)
    assert stated.attributes == {phrase.attribute: phrase.choices[0]}
    assert stated_context({phrase.attribute: "no choice"}, by_server=True).ignored == (phrase.attribute,)


def test_a_key_comes_as_other_clients_send_it_too() -> None:
    assert called("anna", (b"x-api-key", SERVER.encode())).is_server


@pytest.mark.parametrize(
    ("named", "headers", "status"),
    [
        ("anna", (), 401),
        ("", (bearer("guessed"),), 401),
        ("anna", (bearer("guessed"),), 401),
        ("anna@example.com", (bearer(SERVER),), 400),
        ("null", (bearer(SERVER),), 400),
        ("anonymous", (bearer("app-key"),), 400),
    ],
)
def test_a_caller_without_a_server_key_hears_why(named: str, headers: Headers, status: int) -> None:
    with pytest.raises(RequestError) as caught:
        called(named, *headers)
    assert caught.value.status == status and caught.value.help
