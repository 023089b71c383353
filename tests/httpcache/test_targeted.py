from __future__ import annotations

import pytest

from proxy.httpcache.directives import MAX_SECONDS, Directives
from proxy.httpcache.targeted import parse


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"max-age=60", Directives(max_age=60)),
        (b" max-age=60 , \t public ", Directives(max_age=60, public=True)),
        (b"max-age=60,no-store", Directives(max_age=60, no_store=True)),
        (b"max-age=5, max-age=60", Directives(max_age=60)),
        (b"max-age=-1", Directives(max_age=0)),
        (b"max-age=999999999999999", Directives(max_age=MAX_SECONDS)),
        (b"max-age=60;if=beta;x, no-cache", Directives(max_age=60, no_cache=True)),
        (b'private="X-Name, x-other"', Directives(private_fields=frozenset({b"x-name", b"x-other"}))),
        (b'private=""', Directives(private=True)),
        (b"no-store=?1", Directives(no_store=True)),
        (b'foo="a, \\"b", bar=(1 "x" y;q=1), baz=:YQ==:, when=@5, f=1.5, max-age=60', Directives(max_age=60)),
        (b"foobar", Directives()),
    ],
)
def test_a_well_formed_targeted_field_is_parsed(value: bytes, expected: Directives) -> None:
    assert parse(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"   ",
        b"max-age=60,",
        b",max-age=60",
        b"max-age=60,,public",
        b"max-age =60",
        b"max-age= 60",
        b"max-age=60 public",
        b"MAX-AGE=60",
        b"max-age=60, &",
        b"max-age=",
        b"max-age",
        b'max-age="60"',
        b"max-age=60.0",
        b"max-age=1234567890123456",
        b'no-store="yes"',
        b"no-store=?0",
        b"private=1",
        b'foo="never ends, max-age=60',
        b"foo=(1 2, max-age=60",
        b"max-age=60\xff",
    ],
)
def test_a_malformed_field_or_wrong_type_is_ignored(value: bytes) -> None:
    assert parse(value) is None
