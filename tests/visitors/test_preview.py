"""Preview tokens: only ours, only for this, only for an hour; and never in an address that anybody else sees."""

from __future__ import annotations

import msgspec
import pytest

from proxy.errors import OperatorError, RequestError
from proxy.http.message import Request, Response
from proxy.model import Headers
from proxy.visitors.persona import Persona
from proxy.visitors.preview import LONGEST_SECONDS, PURPOSE, Preview, Tokens, without_token
from proxy.visitors.signing import Keyring

SECRET = "a-secret-for-tests-long-enough"
NOW = 1_795_435_200
TOKENS = Tokens(SECRET)
PREVIEW = Preview(NOW + 600, "draft", Persona("anna", ("VIP",), 1_000.0, {"language": frozenset({"nl"})}))
GOOD = TOKENS.token(PREVIEW)


def page(query: bytes = b"", cookie: bytes = b"", path: bytes = b"/sale") -> Request:
    headers: Headers = ((b"cookie", cookie),) if cookie else ()
    return Request(b"GET", path, query, b"shop.example", headers)


def signed(payload: bytes, purpose: bytes = PURPOSE, secret: str = SECRET) -> bytes:
    return Keyring(secret).sign(purpose, payload)


def opened(query: bytes, path: bytes = b"/sale") -> Response | None:
    return TOKENS.opened(page(query, path=path), NOW)


def field(response: Response, name: bytes) -> bytes:
    return dict(response.headers)[name]


def test_a_link_leads_on_to_its_page_with_the_token_in_a_cookie() -> None:
    response = opened(b"a=1&__tb=" + GOOD + b"&b=2")
    assert response is not None
    assert (response.status, field(response, b"location")) == (303, b"/sale?a=1&b=2")
    cookie = field(response, b"set-cookie")
    assert cookie == b"__Host-tb_p=" + GOOD + b"; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600"
    assert (field(response, b"cache-control"), field(response, b"referrer-policy")) == (
        b"private, no-store",
        b"no-referrer",
    )
    assert TOKENS.preview_in(page(cookie=b"x=1; " + cookie.partition(b";")[0]), NOW) == PREVIEW


@pytest.mark.parametrize("path", [b"//evil.example/", rb"/\evil.example/", rb"/\/evil.example/", rb"///\evil.example/"])
@pytest.mark.parametrize("token", [GOOD, b"off"])
def test_it_never_leads_to_another_site(path: bytes, token: bytes) -> None:
    response = opened(b"__tb=" + token, path=path)
    assert response is not None
    assert field(response, b"location") == b"/evil.example/"


def test_off_takes_the_cookie_away() -> None:
    response = opened(b"__tb=off")
    assert response is not None
    assert field(response, b"set-cookie").startswith(b"__Host-tb_p=;")
    assert field(response, b"set-cookie").endswith(b"Max-Age=0")


@pytest.mark.parametrize(
    "token",
    [
        b"",
        b"VIP",
        GOOD[:-1] + bytes([GOOD[-1] ^ 1]),
        signed(msgspec.json.encode(PREVIEW), b"tailorbird visitor v1"),
        signed(msgspec.json.encode(PREVIEW), secret="another-secret-long-enough"),
        TOKENS.token(Preview(NOW)),
        TOKENS.token(Preview(NOW - 1)),
        TOKENS.token(Preview(NOW + LONGEST_SECONDS + 1)),
        signed(b"{}"),
        signed(b"[" * 5_000),
        signed(b'{"exp":"soon"}'),
    ],
    ids=["empty", "a word", "changed", "purpose", "key", "over", "long over", "too long", "no end", "deep", "type"],
)
def test_a_token_that_is_not_genuine_is_as_if_it_were_not_there(token: bytes) -> None:
    assert opened(b"__tb=" + token) is None
    assert TOKENS.preview_in(page(cookie=b"__Host-tb_p=" + token), NOW) is None


def test_two_different_tokens_are_none() -> None:
    other = TOKENS.token(Preview(NOW + 60))
    assert opened(b"__tb=" + GOOD + b"&__tb=" + other) is None
    both = b"__Host-tb_p=" + GOOD + b"; __Host-tb_p=" + other
    assert TOKENS.preview_in(page(cookie=both), NOW) is None


@pytest.mark.parametrize(
    ("query", "left"), [(b"__tb=x", b""), (b"a=1&__tb=x&b=2&__tb=", b"a=1&b=2"), (b"x__tb=1", b"x__tb=1"), (b"", b"")]
)
def test_the_shop_never_sees_a_token(query: bytes, left: bytes) -> None:
    assert without_token(page(query)).query == left


def test_what_may_hold_a_token_is_told_from_what_cannot() -> None:
    assert TOKENS.concerns(page(b"__tb=x"))
    assert TOKENS.concerns(page(cookie=b"a=1; __Host-tb_p=x"))
    assert not TOKENS.concerns(page(b"a=1", b"__Host-tb_v=x"))


def test_what_does_not_fit_into_a_cookie_is_refused() -> None:
    with pytest.raises(OperatorError, match="bytes long"):
        TOKENS.token(Preview(NOW + 60, persona=Persona(attributes={"search term": "x" * 3_000})))


@pytest.mark.parametrize("page", ["/sale?q=a", "https://shop.example/sale?q=a"])
def test_a_link_opens_a_page_by_its_address_or_path(page: str) -> None:
    tokens = Tokens(SECRET, shop_url="https://shop.example/")
    assert tokens.link(page, PREVIEW) == f"https://shop.example/sale?q=a&__tb={GOOD.decode()}"
    assert tokens.link("/", PREVIEW).startswith("https://shop.example/?__tb=")


@pytest.mark.parametrize("page", ["sale", "//evil.example/x", "/\\evil.example", "javascript:x", "http://[", ""])
def test_a_link_to_what_is_no_page_of_the_shop_is_refused(page: str) -> None:
    for shop_url in ("", "https://shop.example"):
        with pytest.raises(RequestError, match="is not the whole address"):
            Tokens(SECRET, shop_url=shop_url).link(page, PREVIEW)


@pytest.mark.parametrize(
    "host", ["evil.example", "shop.example.evil.example", "shop.example@evil.example", "u@shop.example"]
)
def test_a_link_leads_to_no_other_host_than_the_shops(host: str) -> None:
    hosts = ("shop.example", "winkel.example", "xn--caf-dma.example")
    tokens = Tokens(SECRET, shop_url="https://shop.example", hosts=hosts)
    with pytest.raises(RequestError, match=f"`{host}` is no host of the shop"):
        tokens.link(f"https://{host}/sale", PREVIEW)
    for page in ("/sale", "https://shop.example/sale", "https://Winkel.example:8443/sale", "https://café.example/"):
        assert "&__tb=" in tokens.link(f"{page}?q=a", PREVIEW)


def test_a_path_alone_tells_the_setting_that_makes_it_enough() -> None:
    with pytest.raises(RequestError, match="TAILORBIRD_SHOP_URL"):
        TOKENS.link("/sale", PREVIEW)
    with pytest.raises(OperatorError, match="SHOP_URL"):
        Tokens(SECRET, shop_url="shop.example")
