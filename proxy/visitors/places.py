"""Where a visitor is, as the proxies say that stand in front: each names the country, region, city and time zone in a
request field of its own, and spells them in its own way.

Cloudflare writes UTF-8 or Latin-1, CloudFront and Vercel percent-encode, Fastly may leave accents and capitals out, and
Akamai writes all of it into one field (`country_code=NO,region_code=18,city=BODO`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from proxy.conditions.derived import place_of
from proxy.conditions.localtime import zone_of
from proxy.settings import Settings

COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
LONGEST_NAME = 100
TIME_ZONE = "time zone"

PlaceHeaders = Mapping[str, bytes]
"""The request field, in lower case, in which each of `country`, `region`, `city` and `time zone` is named, and
`location` (the latitude) with `longitude`; those left out are named in none."""

_MEMBERS = {
    "country": b"country_code", "region": b"region_code", "city": b"city", "location": b"lat", "longitude": b"long"
}  # fmt: skip
"""What they are called in Akamai's field. The time zone there (`GMT+1`) does not tell daylight saving time."""
_PAIRS = re.compile(rb"[a-z_]+=[^,]*(?:,[a-z_]+=[^,]*)*", re.ASCII)
_CODE = re.compile(r"[A-Z0-9]{1,3}|[a-z0-9]{1,3}", re.ASCII)  # `Uri` is a canton
_NOWHERE = frozenset({"na", "nil", "none", "null", "reserved", "undefined", "unknown", "xx", "zz"})


def place_headers(settings: Settings) -> PlaceHeaders:
    """The fields that the settings name."""
    named = {
        "country": settings.country_header,
        "region": settings.region_header,
        "city": settings.city_header,
        TIME_ZONE: settings.time_zone_header,
    }
    if settings.latitude_header and settings.longitude_header:
        named |= {"location": settings.latitude_header, "longitude": settings.longitude_header}
    return {place: field.lower().encode() for place, field in named.items() if field}


@lru_cache(maxsize=8_192)
def place_in(sent: bytes, place: str) -> str | None:
    """The name of a place in a field as it was sent; None where it names none."""
    if _PAIRS.fullmatch(sent):
        sent = dict(pair.split(b"=", 1) for pair in sent.split(b",")).get(_MEMBERS.get(place, b""), b"")
    said = unquote_to_bytes(sent)
    try:
        text = said.decode()
    except UnicodeDecodeError:
        text = said.decode("latin-1")
    name = " ".join(unicodedata.normalize("NFC", text).split())
    letters = "".join(filter(str.isalnum, name)).casefold()
    return name if letters and letters not in _NOWHERE and len(name) <= LONGEST_NAME and name.isprintable() else None


def country_in(sent: bytes) -> str | None:
    """The two letters of a country."""
    text = (place_in(sent, "country") or "").upper()
    # Cloudflare's T1 (Tor) is no country.
    return text if COUNTRY.fullmatch(text) else None


def region_in(sent: bytes, country: str | None) -> str | None:
    """A region's name, or its code as ISO 3166-2 has it: proxies leave out the country, and `NO` and `18` are
    `NO-18`."""
    name = place_in(sent, "region")
    return f"{country}-{name}" if name and country and _CODE.fullmatch(name) else name


@lru_cache(maxsize=8_192)
def location_in(latitude: bytes, longitude: bytes) -> str | None:
    """Degrees as `46.95,7.45`, from a field for each, or one that has both."""
    text = place_in(latitude, "location") or ""
    found = place_of(text if "," in text else f"{text},{place_in(longitude, 'longitude')}")
    return found and f"{found[0]:.2f},{found[1]:.2f}"  # a hundredth is a kilometre, and no proxy knows it better


def time_zone_in(sent: bytes) -> str | None:
    """A time zone by its IANA name, or as `UTC+05:30` where a proxy tells how far its clocks are from UTC now."""
    name = place_in(sent, TIME_ZONE)
    zone = zone_of(name) if name else None
    return str(zone) if zone else None


Sent = Callable[[str], bytes]
"""What is sent in the field that names a place; b"" for none."""
PLACE_ATTRIBUTES: dict[str, Callable[[Sent], str | None]] = {
    "region": lambda sent: region_in(sent("region"), country_in(sent("country"))),
    "city": lambda sent: place_in(sent("city"), "city"),
    "location": lambda sent: location_in(sent("location"), sent("longitude")),
    TIME_ZONE: lambda sent: time_zone_in(sent(TIME_ZONE)),
}
"""Places that are the request's to tell where a setting names their field; else they are attributes of the profile."""


def told_by_requests(settings: Settings) -> frozenset[str]:
    """The places that are the request's to tell."""
    return frozenset(place_headers(settings).keys() & PLACE_ATTRIBUTES.keys())
