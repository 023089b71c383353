from __future__ import annotations

import pytest

from proxy.httpcache.cookies import cookie_value, pair_set_by, pairs_in


@pytest.mark.parametrize(
    ("cookies", "pairs"),
    [
        (b"", []),
        (b"a=1", [(b"a", b"1")]),
        (b"a=1; b = x=y ;c; =2;;", [(b"a", b"1"), (b"b", b"x=y"), (b"c", b"")]),
    ],
)
def test_each_cookie_with_a_name_is_a_pair(cookies: bytes, pairs: list[tuple[bytes, bytes]]) -> None:
    assert list(pairs_in(cookies)) == pairs


@pytest.mark.parametrize(
    ("set_cookie", "pair"),
    [(b" a = 1 ; Path=/", (b"a", b"1")), (b"gone=; Max-Age=0", (b"gone", b"")), (b"", (b"", b""))],
)
def test_an_answer_sets_one_cookie(set_cookie: bytes, pair: tuple[bytes, bytes]) -> None:
    assert pair_set_by(set_cookie) == pair


@pytest.mark.parametrize(
    ("fields", "value"),
    [([b"a=1; b=2"], b"1"), ([b"b=2"], None), ([b"a=1", b"a=1"], b"1"), ([b"a=1; a=2"], None), ([b"ab=1; a="], b"")],
)
def test_a_cookie_with_two_values_has_none(fields: list[bytes], value: bytes | None) -> None:
    assert cookie_value(b"a", [(b"cookie", field) for field in fields]) == value
