"""How proxies write where a visitor is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings import Settings
from proxy.visitors.places import country_in, location_in, place_headers, place_in, region_in, time_zone_in

EDGESCAPE = b"georegion=246,country_code=NO,region_code=18,city=BODO,lat=67.28,long=14.40,asnum=,network_type=cable"


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (b"Bern", "Bern"),
        ("Köniz".encode(), "Köniz"),
        ("Köniz".encode("latin-1"), "Köniz"),
        (b"K%C3%B6niz", "Köniz"),
        (b"K%F6niz", "Köniz"),
        ("Ko\u0308niz".encode(), "Köniz"),
        (b"san%20francisco", "san francisco"),
        (b"  San   Francisco ", "San Francisco"),
        (b"100%", "100%"),
        (EDGESCAPE, "BODO"),
        (b"country_code=NO", None),
        (b"", None),
        (b"?", None),
        (b"unknown", None),
        (b"(null)", None),
        (b"XX", None),
        (b"N/A", None),
        (b"a\x00b", None),
        (b"x" * 101, None),
    ],
)
def test_a_city_is_read_as_each_proxy_writes_it(sent: bytes, name: str | None) -> None:
    assert place_in(sent, "city") == name


@pytest.mark.parametrize(
    ("sent", "country", "region"),
    [
        (b"Nordland", "NO", "Nordland"),
        (b"18", "NO", "NO-18"),
        (b"CA", "US", "US-CA"),
        (b"ca", "US", "US-ca"),
        (b"18", None, "18"),
        (b"Uri", "CH", "Uri"),
        (b"USCA", "US", "USCA"),
        (b"NO-18", "NO", "NO-18"),
        (EDGESCAPE, "NO", "NO-18"),
        (b"", "NO", None),
    ],
)
def test_the_code_of_a_region_is_that_of_iso_3166_2(sent: bytes, country: str | None, region: str | None) -> None:
    assert region_in(sent, country) == region


@pytest.mark.parametrize(
    ("sent", "country"), [(b"NO", "NO"), (b" nl ", "NL"), (b"T1", None), (EDGESCAPE, "NO"), (b"N%4f", "NO")]
)
def test_a_country_is_two_letters(sent: bytes, country: str | None) -> None:
    assert country_in(sent) == country


@pytest.mark.parametrize(
    ("latitude", "longitude", "location"),
    [
        (b"46.94809", b"7.44744", "46.95,7.45"),
        (b"-33.86", b"151", "-33.86,151.00"),
        (b"46.948,7.447", b"46.948,7.447", "46.95,7.45"),
        (EDGESCAPE, EDGESCAPE, "67.28,14.40"),
        (b"46.94", b"", None),
        (b"91", b"7", None),
        (b"", b"", None),
        (b"north", b"east", None),
    ],
)
def test_a_location_is_degrees(latitude: bytes, longitude: bytes, location: str | None) -> None:
    assert location_in(latitude, longitude) == location


@pytest.mark.parametrize(
    ("sent", "zone"),
    [
        (b"Europe/Oslo", "Europe/Oslo"),
        (b"America%2FNew_York", "America/New_York"),
        (b"-230", "UTC-02:30"),
        (b"1300", "UTC+13:00"),
        (b"+05:30", "UTC+05:30"),
        (b"0", "UTC"),
        (b"9999", None),
        (b"GMT+1", None),
        (b"Europe", None),
        (b"../../etc/passwd", None),
        (EDGESCAPE + b",timezone=GMT+1", None),
        (b"", None),
    ],
)
def test_a_time_zone_is_one_that_clocks_go_by(sent: bytes, zone: str | None) -> None:
    assert time_zone_in(sent) == zone


def test_a_location_takes_two_fields() -> None:
    assert "location" not in place_headers(Settings(latitude_header="cf-iplatitude"))
    both = place_headers(Settings(latitude_header="CF-IPLatitude", longitude_header="CF-IPLongitude"))
    assert (both["location"], both["longitude"]) == (b"cf-iplatitude", b"cf-iplongitude")


def test_only_fields_that_are_named_tell_a_place() -> None:
    assert place_headers(Settings()) == {"country": b"cf-ipcountry"}
    assert place_headers(Settings(country_header="", city_header="CF-IPCity")) == {"city": b"cf-ipcity"}


@given(st.binary(max_size=120))
def test_whatever_is_sent_is_a_name_or_none(sent: bytes) -> None:
    name = place_in(sent, "city")
    assert name is None or (name.strip() == name != "" and name.isprintable())
