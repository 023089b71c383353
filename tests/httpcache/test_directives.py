from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.httpcache import targeted
from proxy.httpcache.directives import MAX_SECONDS, NONE, Directives, parse


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", NONE),
        (b"max-age=60, public", Directives(max_age=60, public=True)),
        (b"MAX-AGE=60", Directives(max_age=60)),
        (b"max-age=60,max-age=5", Directives(max_age=5)),
        (b'max-age="60"', Directives(max_age=60)),
        (b"max-age = 60", Directives(max_age=60)),
        (b"max-age=-1", Directives(max_age=0)),
        (b"max-age=6e3", Directives(max_age=0)),
        (b"max-age=", Directives(max_age=0)),
        (b"s-maxage=99999999999999999", Directives(s_maxage=MAX_SECONDS)),
        (b"max-stale", Directives(max_stale=MAX_SECONDS)),
        (b"min-fresh=5, min-fresh=9", Directives(min_fresh=9)),
        (b'private="a, B"', Directives(private_fields=frozenset({b"a", b"b"}))),
        (b'private="a", private="b"', Directives(private_fields=frozenset({b"a", b"b"}))),
        (b'private="a", private', Directives(private=True, private_fields=frozenset({b"a"}))),
        (b'private="never ends', Directives(private=True)),
        (b'no-cache=""', Directives(no_cache=True)),
        (b"no-cache=x-name", Directives(no_cache_fields=frozenset({b"x-name"}))),
        (b"no-store;max-age=60", Directives(no_store=True, max_age=60)),
        (b"no-store=1", Directives(no_store=True)),
        (b'ext="no-store, private", public', Directives(public=True)),
        (rb'ext="a\"no-store", public', Directives(public=True)),
        (b"community=UCI, x-max-age=3", NONE),
    ],
)
def test_a_malformed_or_repeated_directive_counts_in_its_strictest_reading(value: bytes, expected: Directives) -> None:
    assert parse(value) == expected


@pytest.mark.parametrize("read", [parse, targeted.parse], ids=["Cache-Control", "a targeted field"])
@given(st.binary(max_size=200) | st.text('max-ge=60,;"()?:@ \t', max_size=60).map(str.encode))
def test_parsing_any_bytes_raises_nothing(read: Callable[[bytes], object], value: bytes) -> None:
    read(value)


@given(st.binary(max_size=40))
def test_no_earlier_text_hides_a_prohibition(value: bytes) -> None:
    if b'"' not in value:
        assert parse(value + b", no-store").no_store
