"""What comes back from the origin, field by field."""

from __future__ import annotations

import pytest

from proxy.errors import OriginError
from proxy.http.authority import Address
from proxy.http.returning import response_headers
from proxy.model import Headers

ADDRESS = Address("http", "shop.internal", 8000)


def returned(*fields: tuple[bytes, bytes], ours: bytes = b"https://shop.example") -> Headers:
    return response_headers(fields, address=ADDRESS, ours=ours)


def test_fields_for_one_hop_do_not_come_back() -> None:
    fields = dict(
        returned(
            (b"connection", b"close, x-internal"),
            (b"x-internal", b"1"),
            (b"keep-alive", b"timeout=5"),
            (b"transfer-encoding", b"chunked"),
            (b"trailer", b"x"),
            (b"upgrade", b"h2c"),
            (b"alt-svc", b'h3=":443"'),
            (b"x-middleware-rewrite", b"http://localhost:3000/p/1"),
            (b"content-type", b"text/html"),
        )
    )
    assert fields == {b"content-type": b"text/html", b"via": b"1.1 tailorbird"}


def test_connection_cannot_make_a_private_answer_look_public() -> None:
    fields = dict(returned((b"connection", b"cache-control, vary"), (b"cache-control", b"private"), (b"vary", b"*")))
    assert fields[b"cache-control"] == b"private"
    assert fields[b"vary"] == b"*"


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: x=1", b"a\nb", b"a\rb", b"a\0b"])
def test_a_value_that_would_end_its_field_is_refused(value: bytes) -> None:
    with pytest.raises(OriginError, match="x-odd") as caught:
        returned((b"x-odd", value))
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(
    ("location", "mapped"),
    [
        (b"http://shop.internal:8000/cart?a=1#b", b"https://shop.example/cart?a=1#b"),
        (b"HTTP://Shop.Internal:8000/", b"https://shop.example/"),
        (b"http://shop.internal:8000", b"https://shop.example"),
        (b"//shop.internal:8000/cart", b"https://shop.example/cart"),
        (b"/cart", b"/cart"),
        (b"cart", b"cart"),
        (b"https://pay.example/", b"https://pay.example/"),
        (b"https://shop.internal:8000/cart", b"https://shop.example/cart"),  # as it was told by X-Forwarded-Proto
        (b"https://shop.internal/", b"https://shop.internal/"),
        (b"http://shop.internal/", b"http://shop.internal/"),
        (b"http://shop.internal:8000@evil.example/", b"http://shop.internal:8000@evil.example/"),
        (b"http://shop.internal:80000/", b"http://shop.internal:80000/"),
        (b"mailto:shop@shop.internal", b"mailto:shop@shop.internal"),
    ],
)
def test_a_redirect_to_the_origins_own_host_becomes_ours(location: bytes, mapped: bytes) -> None:
    assert dict(returned((b"location", location)))[b"location"] == mapped
    assert dict(returned((b"content-location", location)))[b"content-location"] == mapped
    assert dict(returned((b"refresh", b"0; url=" + location)))[b"refresh"] == b"0; url=" + mapped
    assert dict(returned((b"link", b"<" + location + b">; rel=next")))[b"link"] == b"<" + mapped + b">; rel=next"


@pytest.mark.parametrize(
    ("origin", "ours", "location", "mapped"),
    [
        (Address("http", "a", 80), b"https://shop.example", b"https://a/cart", b"https://shop.example/cart"),
        (Address("http", "a", 80), b"https://shop.example", b"https://a:443/cart", b"https://shop.example/cart"),
        (Address("http", "a", 80), b"http://shop.example", b"https://a/cart", b"https://a/cart"),
        (Address("https", "a", 443), b"https://shop.example", b"http://a/cart", b"http://a/cart"),
        (Address("https", "a", 443), b"http://shop.example", b"http://a/cart", b"http://shop.example/cart"),
        (Address("http", "a", 80), b"https://shop.example", b"https://a:80/cart", b"https://a:80/cart"),
    ],
)
def test_the_origins_own_host_is_its_own_by_the_visitors_scheme_too(
    origin: Address, ours: bytes, location: bytes, mapped: bytes
) -> None:
    assert dict(response_headers([(b"location", location)], address=origin, ours=ours))[b"location"] == mapped


@pytest.mark.parametrize(
    ("link", "mapped"),
    [
        (
            b'<http://shop.internal:8000/a,b.css>; rel=preload, </b.js>;rel="preload",<//shop.internal:8000/c>',
            b'<https://shop.example/a,b.css>; rel=preload, </b.js>;rel="preload",<https://shop.example/c>',
        ),
        (b'</a>; anchor="http://shop.internal:8000/b"', b'</a>; anchor="https://shop.example/b"'),
        (b'</a>; title="\\"<http://shop.internal:8000/>"', b'</a>; title="\\"<http://shop.internal:8000/>"'),
        (b"<http://shop.internal:8000/a; rel=next", b"<http://shop.internal:8000/a; rel=next"),
        (b'</a>; title="http://shop.internal:8000/', b'</a>; title="http://shop.internal:8000/'),
        (b"<<http://shop.internal:8000/a>", b"<<https://shop.example/a>"),
        (b"<https://fonts.example>; rel=preconnect", b"<https://fonts.example>; rel=preconnect"),
    ],
)
def test_links_to_the_origins_own_host_become_ours_one_by_one(link: bytes, mapped: bytes) -> None:
    assert dict(returned((b"link", link)))[b"link"] == mapped


def test_a_written_default_port_is_the_same_origin() -> None:
    address = Address("https", "shop.internal", 443)
    headers = ((b"location", b"https://shop.internal:443/cart"),)
    assert response_headers(headers, address=address, ours=b"http://a:1")[0][1] == b"http://a:1/cart"


@pytest.mark.parametrize(
    ("cookie", "ours", "mapped"),
    [
        (b"s=1; Domain=shop.internal; Path=/", b"https://www.shop.example", b"s=1; Domain=www.shop.example; Path=/"),
        (b"s=1; path=/;domain=.SHOP.internal", b"https://shop.example:1", b"s=1; path=/; Domain=shop.example"),
        (b"s=1; Domain=internal; Secure", b"https://shop.example", b"s=1; Domain=shop.example; Secure"),
        (b"s=1; Domain=shop.internal; Path=/", b"http://127.0.0.1:8080", b"s=1; Path=/"),
        (b"s=1; Domain=shop.internal", b"http://localhost:8080", b"s=1"),
        (b"s=1; Domain=shop.internal", b"http://[::1]:8080", b"s=1"),
        (b"s=1; Domain=pay.example", b"https://shop.example", b"s=1; Domain=pay.example"),
        (b"s=1; Domain=internal", b"https://www.internal", b"s=1; Domain=internal"),
        (b"s=1; Path=/; HttpOnly", b"https://shop.example", b"s=1; Path=/; HttpOnly"),
        (b"s=domain=shop.internal", b"https://shop.example", b"s=domain=shop.internal"),
    ],
)
def test_a_cookie_for_the_origins_own_host_becomes_ours(cookie: bytes, ours: bytes, mapped: bytes) -> None:
    assert returned((b"set-cookie", cookie), ours=ours)[0] == (b"set-cookie", mapped)


def test_repeated_fields_stay_repeated() -> None:
    cookies = ((b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"))
    assert returned(*cookies)[:2] == cookies
