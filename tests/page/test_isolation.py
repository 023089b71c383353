from __future__ import annotations

import pytest
import turbohtml

from proxy.page.isolation import SlotCandidate, are_isolated


def stands_apart(page: str) -> bool:
    """Whether the content of every `data-slot` element of the page does, by the offsets the parser gives."""
    document = turbohtml.parse(page, source_locations=True, scripting=True)
    slots = []
    for element in document.select("[data-slot]"):
        where = element.source_location
        assert where is not None and where.start_tag is not None and where.end_tag is not None
        opened, start, end = where.start_tag.start_offset, where.start_tag.end_offset, where.end_tag.start_offset
        slots.append(SlotCandidate("a", element, "inside", opened, start, end))
    return are_isolated(page, document, slots)


@pytest.mark.parametrize(
    "page",
    [
        "<div data-slot=a>x</div>",
        "<p>open<div data-slot=a>x</div>",
        "<b><div data-slot=a>x</div></b>",
        "<p>x</p> y <div data-slot=a> </div> z <div data-slot=a></div> end",
        "<table><tr><td data-slot=a>x</td><td>y</td></tr></table>",
        "<ul><li data-slot=a>x</li></ul>",
        "<body><div data-slot=a>x</div></body>\n</html>\n<!-- after -->",
        "<div data-slot=a><table></div></table></div>after",
    ],
)
def test_a_fill_in_a_sound_place_changes_nothing_around_it(page: str) -> None:
    assert stands_apart(page)


@pytest.mark.parametrize(
    "page",
    [
        "<a href=/><div data-slot=a>x</div></a>",
        "<a name=top><div data-slot=a>x</div>",
        "<b>0<div data-slot=a>1</b>2</div>",
        "<p><i><div data-slot=a>x</div>",
        "<div data-slot=a><b>x</div>y",
        "<div data-slot=a>x<body class=b></div>",
        "<p><x-y data-slot=a>x</x-y></p>",
        "<div data-slot=a>x</div><tb-probe></tb-probe>",
        "<link rel=tb-probe><div data-slot=a>x</div>",
    ],
)
def test_a_fill_that_would_rearrange_the_page_is_found_out(page: str) -> None:
    assert not stands_apart(page)
