from __future__ import annotations

import pytest

from proxy.errors import RequestError
from proxy.httpcache.purge import MAX_TAGS, purge_of, tags_of

SALE = b"https://shop.example/sale"


@pytest.mark.parametrize("url", ["/sale", "https://shop.example/sale", "HTTPS://Shop.Example/s%61le", "/x/../sale"])
def test_a_purge_by_address_covers_that_address_only(url: str) -> None:
    purge = purge_of(urls=[url])
    assert purge.covers(SALE)
    assert not purge.covers(SALE + b"?page=2")
    assert not purge.covers(b"https://shop.example/sales")


def test_only_a_whole_address_names_its_host() -> None:
    assert purge_of(urls=["/sale"]).covers(b"http://other.example/sale")
    assert not purge_of(urls=["https://shop.example/sale"]).covers(b"https://other.example/sale")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_complete_address_covers_http_and_https(scheme: str) -> None:
    for purge in (
        purge_of(urls=[f"{scheme}://shop.example/sale"]),
        purge_of(prefixes=[f"{scheme}://shop.example/s"]),
    ):
        assert purge.covers(SALE) and purge.covers(b"http://shop.example/sale")


def test_letters_beyond_ascii_in_an_address_are_escaped() -> None:
    assert purge_of(urls=["/größe?q=ä"]).covers(b"https://shop.example/gr%C3%B6%C3%9Fe?q=%C3%A4")


@pytest.mark.parametrize("prefix", ["/", "/sa", "/sale", "https://shop.example/"])
def test_a_purge_by_prefix_covers_all_that_begins_with_it(prefix: str) -> None:
    purge = purge_of(prefixes=[prefix])
    assert purge.covers(SALE + b"?page=2")
    assert not purge_of(prefixes=["/b"]).covers(SALE)


def test_the_query_is_a_part_of_the_address() -> None:
    assert purge_of(urls=["/sale?page=2"]).covers(SALE + b"?page=2")
    assert not purge_of(urls=["/sale?page=2"]).covers(SALE)


@pytest.mark.parametrize("url", ["", "sale", "https://", "https://shop.example", "://x/"])
def test_an_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(RequestError, match="is no address"):
        purge_of(urls=[url])


def test_a_purge_of_nothing_is_refused() -> None:
    with pytest.raises(RequestError, match="nothing is named"):
        purge_of()
    with pytest.raises(RequestError, match="nothing is named"):
        purge_of(tags=[" "])


def test_spaces_around_a_tag_are_no_part_of_it() -> None:
    assert purge_of(tags=[" product-1 "]).tags == {b"product-1"}


def test_tags_are_separated_by_space_or_comma_depending_on_the_field() -> None:
    headers = ((b"surrogate-key", b"home  product-1"), (b"cache-tag", b"sale, product 2,"), (b"cache-tag", b"nav"))
    assert tags_of(headers) == {b"home", b"product-1", b"sale", b"product 2", b"nav"}


def test_an_answer_has_a_bounded_number_of_tags() -> None:
    assert len(tags_of(((b"surrogate-key", b" ".join(b"t%d" % n for n in range(2 * MAX_TAGS))),))) == MAX_TAGS


def test_what_the_log_is_told_of_a_purge_is_one_line() -> None:
    assert str(purge_of(tags=["a\n2026-11-28 forged"])) == "tags a?2026-11-28 forged"
