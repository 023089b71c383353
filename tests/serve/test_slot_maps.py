from __future__ import annotations

import pytest

from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.page.piece import Piece
from proxy.page.slots import LISTING, DeclaredSlot
from proxy.page.template import Template
from proxy.rulebook.policy import PagePolicy
from proxy.serve.reading import PageReader
from proxy.serve.slot_maps import COMPARE_AGAIN, COMPARISONS, MOST, MOST_BYTES, Path, SlotMaps, Version
from proxy.settings import Settings
from tests.page.cutting import cut

HTML: Headers = ((b"content-type", b"text/html; charset=utf-8"),)
PAGE = (
    b'<html><body data-x><div data-slot="home.hero">default</div><main data-product="7">rest</main>'
    b'<div data-slot="home.row"></div></body></html>'
)
TOP = DeclaredSlot("home.top", selector="main", place="start")
NAMES = (b"Ann", b"Bob", b"Cy", b"Dee")
GREETED = PAGE.replace(b"default", b"<p>Hello %s</p>").replace(b"</body>", b'<input name=t value="%s"></body>')


async def template(
    reader: PageReader, body: bytes = PAGE, declared: tuple[DeclaredSlot, ...] = (), path: bytes = b"/"
) -> Template:
    page = await reader.read(body, HTML, path, declared)
    assert page.template is not None
    return page.template


def must_be_alike(one: Template, other: Template) -> None:
    """The same pieces, named alike, about the same."""
    assert one == other
    assert one.about == other.about
    for piece in (*one.statics, *one.defaults):
        assert piece.name() == Piece(piece.plain).name()


@pytest.mark.parametrize("body", [PAGE, b"<p>plain", PAGE.replace(b"</div>", b"", 1)])
async def test_a_page_that_comes_again_is_cut_as_the_first_time(body: bytes) -> None:
    metrics = Metrics()
    reader = PageReader(metrics, Settings())
    first = await template(reader, body)
    counted = metrics.by_value("tailorbird_page_passthrough_total")
    must_be_alike(await template(reader, bytes(bytearray(body))), first)
    assert metrics.by_value("tailorbird_page_passthrough_total") == {why: 2 * count for why, count in counted.items()}


async def test_another_page_other_slots_or_another_policy_are_read_again() -> None:
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


def path_of(slot_maps: SlotMaps, *declared: DeclaredSlot, has_includes: bool = False) -> Path:
    return slot_maps.at(b"/", "utf-8", declared, has_includes=has_includes)


async def test_what_is_more_than_slots_is_not_remembered() -> None:
    slot_maps = SlotMaps()
    path = path_of(slot_maps)
    reader = PageReader(Metrics(), Settings())
    body = PAGE.replace(b"rest", b'<esi:include src="/part"/>')
    page = await reader.read(body, HTML, b"/", (), PagePolicy("/", has_includes=True))
    assert page.template is not None
    slot_maps.put(Version(path, page.body), page.template, ())
    assert slot_maps.get(Version(path, page.body)) is None


async def test_only_so_many_are_remembered_and_none_that_is_large() -> None:
    slot_maps = SlotMaps()
    path = path_of(slot_maps)
    for number in range(MOST + 1):
        slot_maps.put(Version(path, b"%d" % number), plain(b"%d" % number), ())
    assert slot_maps.get(Version(path, b"0")) is None
    assert slot_maps.get(Version(path, b"%d" % MOST)) is not None
    large = Version(path, bytes(MOST_BYTES + 1))
    slot_maps.put(large, plain(large.body), ())
    assert slot_maps.get(large) is None


def plain(body: bytes) -> Template:
    return Template((), (Piece(body),), ())


# -- versions of one page


def known(slot_maps: SlotMaps, path: Path, body: bytes) -> Template | None:
    """As far as it is remembered; else it is read, and studied where that is due."""
    version = Version(path, body)
    if (known := slot_maps.get(version)) is not None:
        return known.template
    slot_maps.put(version, whole(body), (), slot_maps.compare(version) if path.is_to_be_compared else None)
    return None


@pytest.mark.parametrize("more", [b"<p a%d>", b"<body a%d>"])
def test_versions_that_would_be_parsed_for_long_are_not_made_out(more: bytes) -> None:
    slot_maps, pages = SlotMaps(), [GREETED % (name, b"x") + b"".join(more % n for n in range(3_000)) for name in NAMES]
    path = slot_maps.at(b"/", "utf-8", (), has_includes=False)
    for page in pages:
        known(slot_maps, path, page)
    assert bool(path.by_likeness) == (more == b"<p a%d>")


def whole(body: bytes, *declared: DeclaredSlot) -> Template:
    made = cut(body, path="/", charset="utf-8", declared=declared, max_slots=9)
    return made if isinstance(made, Template) else plain(body)


def test_from_the_fourth_version_on_a_page_that_differs_in_words_is_known() -> None:
    slot_maps = SlotMaps()
    path = path_of(slot_maps)
    names = [(b"Ann", b"t1"), (b"Bartholomew", b"token-22"), (b"caf\xc3\xa9", b"t3"), (b"D E", b"t-4"), (b"Eve", b"5")]
    found = [known(slot_maps, path, GREETED % name) for name in names]
    assert [each is not None for each in found] == [False, False, False, True, True]
    for each, name in zip(found, names, strict=True):
        if each is not None:
            must_be_alike(each, whole(GREETED % name))
    assert known(slot_maps, path, GREETED.replace(b"rest", b"sale") % names[-1]) is None


def test_what_changes_for_the_first_time_later_is_learnt_too() -> None:
    slot_maps = SlotMaps()
    path = path_of(slot_maps)
    for name in (b"Ann", b"Bob", b"Cid"):
        known(slot_maps, path, GREETED % (name, b"same"))
    assert known(slot_maps, path, GREETED % (b"Dan", b"same")) is not None
    assert known(slot_maps, path, GREETED % (b"Eve", b"other")) is None
    assert known(slot_maps, path, GREETED % (b"Eve", b"third")) is not None
    assert known(slot_maps, path, GREETED % (b"Fay", b"fourth")) is not None


def test_versions_of_several_shapes_are_known_side_by_side() -> None:
    slot_maps = SlotMaps()
    path = path_of(slot_maps)
    guest, member = b"<p>%s</p>", b"<p>%s</p><p>Log out</p>"
    for word in (b"1", b"2", b"3"):
        for shape in (guest, member):
            known(slot_maps, path, shape % word)
    assert known(slot_maps, path, guest % b"4") is not None
    assert known(slot_maps, path, member % b"4") is not None


def test_undecodable_bodies_are_tried_a_few_times_then_rarely() -> None:
    slot_maps = SlotMaps()
    path = path_of(slot_maps)
    studied = []
    for number in range(2 * COMPARE_AGAIN):
        studied.append(path.is_to_be_compared)
        assert known(slot_maps, path, b"<p class=c%d data-slot>x</p>" % number) is None
    assert not studied[0]
    assert studied.count(True) == COMPARISONS + 1
    assert studied[COMPARE_AGAIN]


@pytest.mark.parametrize(
    "declared",
    [(DeclaredSlot(LISTING + "cat"),), (DeclaredSlot("home.top", selector="main:not(:empty)"),)],
    ids=["list", "selector"],
)
def test_a_page_in_which_words_may_count_is_never_known_by_likeness(declared: tuple[DeclaredSlot, ...]) -> None:
    assert not path_of(SlotMaps(), *declared).may_differ
    assert not path_of(SlotMaps(), has_includes=True).may_differ
    assert path_of(SlotMaps(), TOP).may_differ


def test_a_path_is_forgotten_with_the_slots_that_its_pages_were_cut_at() -> None:
    slot_maps = SlotMaps()
    for name in (b"Ann", b"Bob", b"Cid"):
        known(slot_maps, path_of(slot_maps), GREETED % (name, b"t"))
    assert known(slot_maps, path_of(slot_maps), GREETED % (b"Dan", b"t")) is not None
    assert known(slot_maps, path_of(slot_maps, TOP), GREETED % (b"Dan", b"t")) is None


def test_a_page_without_marks_is_known_unless_another_at_its_path_had_some() -> None:
    slot_maps = SlotMaps()
    one, other = (slot_maps.at(path, "utf-8", (), has_includes=False) for path in (b"/one", b"/other"))
    assert slot_maps.find(one, b"<p>none</p>") is not None
    assert slot_maps.find(other, PAGE) is None
    assert slot_maps.find(other, b"<p>none</p>") is None
