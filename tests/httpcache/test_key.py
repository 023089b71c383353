from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.httpcache.key import (
    COOKIE,
    Varying,
    in_coding,
    matches,
    normalised,
    supersedes,
    target_key,
    vary_names,
    varying,
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"/", b"/"),
        (b"/a/b", b"/a/b"),
        (b"/a//b", b"/a//b"),
        (b"/%7Eanna", b"/~anna"),
        (b"/caf%c3%a9", b"/caf%C3%A9"),
        (b"/a%2fb", b"/a%2Fb"),
        (b"/a/./b/../c", b"/a/c"),
        (b"/a/%2e%2e/c", b"/c"),
        (b"/../../c", b"/c"),
        (b"/a/..", b"/"),
        (b"/a/b/.", b"/a/b/"),
        (b"/..", b"/"),
        (b"/.well-known/x", b"/.well-known/x"),
        (b"/100%", b"/100%25"),
        (b"/a/%%32e%%32e/c", b"/a/%252e%252e/c"),
        (b"/%00.css", b"/%00.css"),
    ],
)
def test_equivalent_paths_are_normalised_to_one(path: bytes, expected: bytes) -> None:
    assert normalised(path) == expected


@given(
    st.lists(st.sampled_from([b"/", b".", b"..", b"a", b"%2e", b"%2F", b"%41", b"%", b"2", b"e"]), max_size=12).map(
        b"".join
    )
)
def test_normalising_twice_changes_nothing_and_never_leaves_the_root(rest: bytes) -> None:
    once = normalised(b"/" + rest)
    assert once.startswith(b"/")
    assert b"/../" not in once + b"/"
    assert normalised(once) == once


def test_scheme_host_and_query_are_part_of_the_key() -> None:
    one = target_key(b"http", b"shop.example", b"/a?x=1")
    assert one == b"http://shop.example/a?x=1"
    assert len({one, target_key(b"https", b"shop.example", b"/a?x=1"), target_key(b"http", b"b", b"/a?x=1")}) == 3


def test_vary_is_read_from_all_its_lines() -> None:
    assert vary_names(((b"vary", b"Accept, accept-LANGUAGE"), (b"vary", b"*"))) == {b"accept", b"accept-language", b"*"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"gzip, deflate, br", b"br;q=0.9,gzip"),
        (b"", b"identity"),
        (b"gzip;q=0", b"deflate"),
        (b"*", b"zstd, br, gzip"),
    ],
)
def test_accept_encoding_counts_only_by_the_known_codings(one: bytes, other: bytes) -> None:
    chosen = varying([b"accept-encoding"], ((b"accept-encoding", one),))
    assert matches(chosen, ((b"accept-encoding", other),))


def test_an_answer_matches_only_if_every_vary_field_does() -> None:
    dutch = ((b"accept-language", b"nl"), (b"accept-encoding", b"gzip"))
    chosen = varying({b"accept-language", b"accept-encoding"}, dutch)
    assert chosen == ((b"accept-encoding", b"gzip"), (b"accept-language", b"nl"))
    assert matches(chosen, (*dutch, (b"cookie", b"a=b")))
    assert not matches(chosen, ((b"accept-language", b"fr"), (b"accept-encoding", b"gzip")))
    assert not matches(chosen, ((b"accept-encoding", b"gzip"),))


@pytest.mark.parametrize(
    ("coding", "offered", "accepted", "fits"),
    [
        (b"gzip", b"gzip, br", b"gzip, br", True),
        (b"gzip", b"gzip, br, zstd", b"gzip;q=0.5", True),
        (b"gzip", b"gzip, br", b"br", False),
        (b"gzip", b"gzip, br", b"gzip;q=0, br", False),
        (b"gzip", b"gzip", b"gzip, br", False),
        (b"", b"gzip, br", b"gzip", True),
        (b"", b"gzip, br", b"", True),
        (b"", b"", b"gzip", False),
        (b"deflate", b"gzip, br", b"gzip, br", True),
        (b"deflate", b"gzip, br", b"gzip", False),
        (b"gzip", b"", b"", True),
        (b"gzip", b"", b"gzip", False),
    ],
)
def test_an_answer_in_a_coding_is_for_who_accepts_it_and_none_that_the_origin_was_not_offered(
    coding: bytes, offered: bytes, accepted: bytes, fits: bool
) -> None:
    chosen = in_coding(varying({b"accept-encoding"}, ((b"accept-encoding", offered),)), coding)
    assert matches(chosen, ((b"accept-encoding", accepted),)) == fits


def test_an_answer_supersedes_one_in_the_same_coding_that_fewer_were_offered() -> None:
    def chosen(coding: bytes, offered: bytes, language: bytes = b"nl") -> Varying:
        request = ((b"accept-encoding", offered), (b"accept-language", language))
        return in_coding(varying({b"accept-encoding", b"accept-language"}, request), coding)

    wide = chosen(b"gzip", b"gzip, br")
    assert supersedes(wide, wide) and supersedes(wide, chosen(b"gzip", b"gzip"))
    assert not supersedes(chosen(b"gzip", b"gzip"), wide)
    for other in (chosen(b"", b"gzip"), chosen(b"br", b"br"), chosen(b"gzip", b"gzip", b"fr"), ()):
        assert not supersedes(wide, other)


def test_joined_lines_and_spaces_make_no_difference() -> None:
    chosen = varying({b"accept-language"}, ((b"accept-language", b"nl , en"),))
    assert matches(chosen, ((b"accept-language", b"nl"), (b"accept-language", b"en")))


def test_a_cookie_that_varies_counts_by_its_own_value() -> None:
    names = [COOKIE + b"currency"]
    chosen = varying(names, ((b"cookie", b"a=1; currency=EUR"), (b"x-cookie", b"currency=USD")))
    assert chosen == ((COOKIE + b"currency", b"EUR"),)
    assert matches(chosen, ((b"cookie", b"currency=EUR; a=2"),))
    assert not matches(chosen, ((b"cookie", b"currency=USD"),)) and not matches(chosen, ())
    assert varying(names, ()) == ((COOKIE + b"currency", b""),)


def test_case_counts_but_for_languages() -> None:
    for name, is_the_same in ((b"accept-language", True), (b"x-theme", False)):
        assert matches(varying({name}, ((name, b"NL"),)), ((name, b"nl"),)) == is_the_same
