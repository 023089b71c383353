"""What proxies on the way add to a request is another thing each time, and no part of a header set."""

from __future__ import annotations

import pytest

from proxy.http.incoming import Incoming
from proxy.http.message import Request
from proxy.serve.header_sets import CHANGES, EACH_TIME, MOST_CUTS, HeaderSets
from proxy.settings import Settings
from proxy.visitors.context import REQUEST_ATTRIBUTES, Seen
from proxy.visitors.visitor import ANONYMOUS
from tests.serve.readings import (
    FIELDS,
    PEER,
    SETTINGS,
    head,
    read_by,
    reader,
    require_same_or_nothing,
)

BEHIND_A_PROXY = (
    b"X-Forwarded-For: 198.51.100.%d",
    b"x-request-id: 7f-%d",
    b"traceparent: 00-ab-%d-01",
    b"cookie: session=%d",
    b'If-None-Match: W/"%d"',
)


def test_what_proxies_add_again_each_time_is_no_part_of_a_habit() -> None:
    header_sets = HeaderSets(Incoming(SETTINGS), SETTINGS)
    made = header_sets.of(PEER, "http")

    def asked(number: int) -> bytes:
        return head(FIELDS[0], *(field % number for field in BEHIND_A_PROXY[:2]), *FIELDS[1:3], *(
            field % number for field in BEHIND_A_PROXY[2:]
        ))  # fmt: skip

    read = [read_by(made, asked(number)) for number in range(5)]
    assert [one is not None for one in read] == [False, False, True, True, True]
    for number, one in enumerate(read):
        require_same_or_nothing(one, asked(number))
    another = read_by(header_sets.of("192.0.2.8", "http"), asked(9))
    assert another is not None and another.get(b"x-forwarded-for") == b"198.51.100.9"


@pytest.mark.parametrize("again", [b"X-Forwarded-For: 2", b"x-forwarded-for: 2", b"X-FORWARDED-FOR: 2"])
def test_what_a_proxy_says_twice_is_left_to_the_ordinary_reading(again: bytes) -> None:
    made = reader()
    for _ in range(4):
        made.read(head(FIELDS[0], b"X-Forwarded-For: 1"))
    assert [made.read(head(FIELDS[0], b"X-Forwarded-For: 1", again)) for _ in range(4)] == [None] * 4


def test_a_client_that_writes_names_in_ever_other_ways_teaches_so_many() -> None:
    made, name = reader(), b"x-request-id"
    for at in range(len(name)):
        for length in range(1, len(name) - at):
            spelled = name[:at] + name[at : at + length].upper() + name[at + length :]
            made.read(head(FIELDS[0], spelled + b": 1"))
    assert len(made._cuts) == MOST_CUTS


def test_no_page_is_decided_by_what_is_another_thing_each_time() -> None:
    told = Request(b"GET", b"/c/shoes", b"q=red", b"shop.example", tuple((name, b"?1") for name in sorted(EACH_TIME)))
    silent = Request(b"GET", b"/c/shoes", b"q=red", b"shop.example", ())
    said = [
        {
            name: source(Seen(request, ANONYMOUS, 0.0, {"country": b"cf-ipcountry"}))
            for name, source in REQUEST_ATTRIBUTES.items()
        }
        for request in (told, silent)
    ]
    assert said[0] == said[1]


def test_a_field_that_names_the_country_is_a_part_of_the_habit() -> None:
    settings = Settings(country_header="CF-Connecting-IP")
    made = reader(settings)
    countries = [
        read_by(made, head(FIELDS[0], b"CF-Connecting-IP: %b" % name)) for name in (b"NL", b"NL", b"NL", b"NO")
    ]
    assert [one and one.get(b"cf-connecting-ip") for one in countries] == [None, None, b"NL", None]


def test_what_a_trusted_proxy_says_of_the_scheme_is_believed_of_it_alone() -> None:
    settings = Settings(trusted_proxies=("10.0.0.1",))
    header_sets, data = HeaderSets(Incoming(settings), settings), head(FIELDS[0], b"X-Forwarded-Proto: https")
    schemes = []
    for peer in ("10.0.0.1", "192.0.2.7"):
        made = header_sets.of(peer, "http")
        read = [read_by(made, data) for _ in range(3)][-1]
        assert read is not None
        schemes.append((read.scheme, read.question and read.question.key[:13]))
    assert schemes == [("https", b"https://shop."), ("http", b"http://shop.e")]


@pytest.mark.parametrize(
    ("field", "settings"),
    [
        (b"CF-IPCity", Settings()),
        (b"CloudFront-Viewer-City", Settings()),
        (b"X-Town", Settings(city_header="x-town")),
        (b"X-Province", Settings(region_header="X-Province")),
        (b"CF-Timezone", Settings()),
        (b"CloudFront-Viewer-Time-Zone", Settings()),
        (b"X-Clock", Settings(time_zone_header="X-Clock")),
    ],
)
def test_a_city_is_no_part_of_a_header_set_for_there_are_thousands(field: bytes, settings: Settings) -> None:
    made = reader(settings)
    read = [read_by(made, head(FIELDS[0], b"%b: Town %d" % (field, number))) for number in range(5)]
    assert [one and one.get(field.lower()) for one in read] == [None, None, b"Town 2", b"Town 3", b"Town 4"]
    assert len({one.question for one in read if one}) == 1


def test_a_field_that_names_the_country_too_is_a_part_of_it() -> None:
    made = reader(Settings(country_header="X-Akamai-Edgescape", city_header="X-Akamai-Edgescape"))
    for sent in (b"country_code=NO,city=BODO", b"country_code=CH,city=BERN"):
        read = [read_by(made, head(FIELDS[0], b"X-Akamai-Edgescape: " + sent)) for _ in range(3)][-1]
        assert read is not None and read.get(b"x-akamai-edgescape") == sent
        assert read.question is not None and read.question.firsts[b"x-akamai-edgescape"] == sent


CDNS = {
    "CloudFront": (b"X-Amz-Cf-Id: kQ%d==", b"X-Forwarded-For: 198.51.100.%d"),
    "Cloudflare": (b"CF-RAY: 8f%d-AMS", b"CF-Connecting-IPv6: 2001:db8::%d", b"cf-iplatitude: 52.%d"),
    "Azure Front Door": (b"X-Azure-Ref: 0zx%d", b"X-Azure-ClientIP: 198.51.100.%d", b"X-Azure-SocketIP: 198.51.100.%d"),
    "Fastly": (b"Fastly-Client-IP: 198.51.100.%d", b"X-Timer: S1761.%d,VS0", b"X-Varnish: %d"),
    "Akamai": (b"True-Client-IP: 198.51.100.%d", b"X-Akamai-Edgescape: country_code=NL,city=TOWN%d"),
    "Datadog": (b"x-datadog-trace-id: %d", b"x-datadog-parent-id: 9%d"),
}
"""What each adds to a request anew."""


@pytest.mark.parametrize("cdn", CDNS)
def test_behind_any_cdn_browsers_have_a_header_set(cdn: str) -> None:
    made = reader()
    read = [read_by(made, head(FIELDS[0], *(field % number for field in CDNS[cdn]))) for number in range(5)]
    assert [one is not None for one in read] == [False, False, True, True, True]
    assert len({one.question for one in read if one}) == 1


@pytest.mark.parametrize(
    ("field", "is_cut"),
    [
        (b"X-Edge-Ref", True),
        (b"x-unheard-of", True),
        (b"X-Forwarded-Proto", False),
        (b"X-Moz", False),
        (b"X-Api-Key", False),
        (b"X-Country", False),
        (b"Accept-Language", False),
    ],
)
def test_an_unknown_field_that_is_another_thing_each_time_is_cut_out_after_a_few_requests(
    field: bytes, is_cut: bool
) -> None:
    settings = Settings(country_header="X-Country")
    made = HeaderSets(Incoming(settings), settings).of(PEER, "http")

    def asked(number: int) -> bytes:
        return head(FIELDS[0], b"%b: v%d" % (field, number), *FIELDS[1:3])

    read = [read_by(made, asked(number)) for number in range(9)]
    assert [one is not None for one in read] == [number > CHANGES + 2 and is_cut for number in range(9)]
    for number, one in enumerate(read):
        require_same_or_nothing(one, asked(number))
        assert one is None or one.get(field.lower()) == b"v%d" % number


def test_a_field_that_changes_beside_others_stays_part_of_a_header_set() -> None:
    header_sets = HeaderSets(Incoming(SETTINGS), SETTINGS)
    made = header_sets.of(PEER, "http")
    for number in range(9):
        assert read_by(made, head(FIELDS[0], b"X-A: %d" % number, b"X-B: %d" % number)) is None
