from __future__ import annotations

import pytest

from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.page.piece import Piece
from proxy.page.slots import DeclaredSlot
from proxy.page.template import Template
from proxy.rulebook.policy import PagePolicy
from proxy.serve.outlines import MOST, MOST_BYTES, Outlines
from proxy.serve.reading import PageReader
from proxy.settings import Settings

HTML: Headers = ((b"content-type", b"text/html; charset=utf-8"),)
PAGE = (
    b'<html><body data-x><div data-slot="home.hero">default</div><main data-product="7">rest</main>'
    b'<div data-slot="home.row"></div></body></html>'
)
TOP = DeclaredSlot("home.top", selector="main", place="start")


async def template(reader: PageReader, body: bytes = PAGE, declared: tuple[DeclaredSlot, ...] = ()) -> Template:
    page = await reader.read(body, HTML, b"/", declared)
    assert page.template is not None
    return page.template


@pytest.mark.parametrize("body", [PAGE, b"<p>plain", PAGE.replace(b"</div>", b"", 1)])
async def test_a_page_that_comes_again_is_cut_as_the_first_time(body: bytes) -> None:
    metrics = Metrics()
    reader = PageReader(metrics, Settings())
    first = await template(reader, body)
    counted = metrics.by_value("tailorbird_page_passthrough_total")
    again = await template(reader, bytes(bytearray(body)))
    assert again == first
    assert again.about == first.about
    for one, other in zip((*first.statics, *first.defaults), (*again.statics, *again.defaults), strict=True):
        assert one.digest == other.digest == Piece(other.plain).digest
    assert metrics.by_value("tailorbird_page_passthrough_total") == {why: 2 * count for why, count in counted.items()}


async def test_another_page_other_slots_or_another_policy_are_read_anew() -> None:
    reader = PageReader(Metrics(), Settings())
    assert (await template(reader)).slots == ("home.hero", "home.row")
    assert (await template(reader, PAGE.replace(b"home.row", b"home.end"))).slots == ("home.hero", "home.end")
    assert (await template(reader, declared=(TOP,))).slots == ("home.hero", "home.top", "home.row")
    assert (await template(reader)).slots == ("home.hero", "home.row")
    included = PAGE.replace(b"rest", b'<esi:include src="/part"/>')
    assert not (await template(reader, included)).holes
    page = await reader.read(included, HTML, b"/", (), PagePolicy("/", has_includes=True))
    assert page.template is not None
    assert page.template.holes


async def test_what_is_more_than_slots_is_not_remembered() -> None:
    outlines = Outlines()
    key = outlines.key(PAGE, ())
    reader = PageReader(Metrics(), Settings())
    page = await reader.read(
        PAGE.replace(b"rest", b'<esi:include src="/part"/>'), HTML, b"/", (), PagePolicy("/", has_includes=True)
    )
    assert page.template is not None
    outlines.put(key, page.template, ())
    assert outlines.get(key) is None


async def test_only_so_many_are_remembered_and_none_that_is_large() -> None:
    outlines = Outlines()
    assert outlines.key(bytes(MOST_BYTES + 1), ()) is None
    cut = await template(PageReader(Metrics(), Settings()))
    keys = [outlines.key(b"%d" % number, ()) for number in range(MOST + 1)]
    for key in keys:
        outlines.put(key, cut, ())
    assert outlines.get(keys[0]) is None
    assert outlines.get(keys[-1]) is not None
