from __future__ import annotations

import pytest

from proxy.errors import RequestError
from proxy.httpcache.purge import purge_of
from proxy.ports import Replies
from proxy.studio.purging import Purged, purge_in, purge_named, purged


def test_a_purge_is_read_from_json() -> None:
    body = b'{"urls": ["/a"], "prefixes": ["/b"], "tags": ["c"], "soft": true}'
    assert purge_in(body) == purge_of(["/a"], ["/b"], ["c"], is_soft=True)
    assert not purge_in(b'{"tags": ["c"]}').is_soft


def test_what_is_none_is_refused() -> None:
    with pytest.raises(RequestError) as refused:
        purge_in(b'{"tag": ["c"]}')
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (Replies(frozenset("ab"), {"a": b"2", "b": b"1"}), Purged(3, 2, 2, everywhere=True)),
        (Replies(frozenset("ab"), {"a": b"2"}), Purged(2, 2, 1, everywhere=False)),
        (Replies(frozenset("a"), {"a": b"2"}, is_cut_off=True), Purged(2, 1, 1, everywhere=False)),
    ],
    ids=["all", "one is late", "others cannot be reached"],
)
def test_what_was_purged_is_summed_over_the_workers(told: Replies, expected: Purged) -> None:
    assert purged(told) == expected


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"tags": ["\xff"]}'], ids=["cut", "deep", "no-utf-8"])
def test_a_body_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError, match=r"this is no purge.*write \{\"urls\""):
        purge_in(body)


def test_an_address_names_a_purge_for_who_cannot_choose_the_body() -> None:
    named = [("url", "/a"), ("prefix", "/b"), ("url", "/c"), ("tag", "d"), ("soft", "yes")]
    assert purge_named(named) == purge_of(["/a", "/c"], ["/b"], ["d"], is_soft=True)


@pytest.mark.parametrize("parameter", [("urls", "/a"), ("soft", "no"), ("prefix", "c"), ("soft", "yes")])
def test_an_address_that_names_no_purge_is_refused(parameter: tuple[str, str]) -> None:
    with pytest.raises(RequestError):
        purge_named([parameter])
