"""Selectors of operators on pages of any width."""

from __future__ import annotations

import pytest

from proxy.errors import EditorError
from proxy.page.holes import Fill, FillKind, Hole
from proxy.page.lists import find_lists
from proxy.page.markup import Markup
from proxy.page.redaction import NotRedacted, redacted
from proxy.page.scan import Uncut, UncutReason, check_selector, find_slots
from proxy.page.selecting import MOST_SIBLINGS, TooManySiblings, elements_by
from proxy.page.slots import DeclaredSlot

COMPARING = ["p:nth-last-of-type(2) b", "P:NTH-CHILD(2)", "b:only-child", "p:last-of-type", "main:has(p ~ i)"]


def page(count: int) -> Markup:
    return Markup(b"<main>%b</main><aside class=x data-sku=a></aside>" % (b"<p><b>x</b>" * count))


@pytest.mark.parametrize("selector", COMPARING)
def test_what_compares_siblings_is_not_looked_for_among_thousands(selector: str) -> None:
    assert isinstance(elements_by(selector, page(MOST_SIBLINGS)), list)
    with pytest.raises(TooManySiblings):
        elements_by(selector, page(MOST_SIBLINGS + 1))


@pytest.mark.parametrize("selector", ["p", "main > p:first-child", "main p + p", "p ~ p b", "[class*=has]"])
def test_other_selectors_find_elements_in_pages_of_any_width(selector: str) -> None:
    elements_by(selector, page(20_000))


def test_many_elements_that_do_not_stand_side_by_side_are_compared() -> None:
    wide = Markup(b"<ul>%b</ul>" % (b"<li><b>x</b><i>y</i><u>z</u></li>" * MOST_SIBLINGS))
    assert len(elements_by("li:nth-child(2) b", wide)) == 1


def test_a_page_too_wide_for_a_selector_is_not_cut_nor_are_its_lists_moved_and_says_why() -> None:
    slot = DeclaredSlot("home.hero", selector="aside:nth-of-type(1)")
    verdict = find_slots(page(MOST_SIBLINGS + 1), path="/", declared=[slot])
    assert isinstance(verdict, Uncut) and verdict.reason is UncutReason.TOO_MANY_SIBLINGS
    assert "home.hero" in str(verdict)
    assert not isinstance(find_slots(page(9), path="/", declared=[slot]), Uncut)
    cards = DeclaredSlot("listing:all", page="/", selector="main:only-of-type", product="data-sku")
    (left,) = find_lists(page(MOST_SIBLINGS + 1), path="/", declared=[cards], taken=()).left_as_is
    assert left.reason is UncutReason.TOO_MANY_SIBLINGS


def test_a_page_too_wide_for_a_hole_is_not_stored() -> None:
    hole = Hole("aside:nth-of-type(1)", Fill(FillKind.FETCH, "/cart"))
    verdict = redacted(page(MOST_SIBLINGS + 1), [hole])
    assert isinstance(verdict, NotRedacted)
    assert str(verdict) == "too-many-siblings at the page"


@pytest.mark.parametrize("selector", ["p:has(~ p:has(b))", "p:has(b:not(:HAS(i)))", "a:has(b) c:is(:has(d :has(e)))"])
def test_has_does_not_stand_within_itself(selector: str) -> None:
    with pytest.raises(EditorError, match="as CSS does not"):
        check_selector(selector)


@pytest.mark.parametrize("selector", ["p:has(b):has(i)", "p:has(b:not(.x)) > i:has(u)", "p:is(:has(b), :has(i))"])
def test_has_stands_beside_itself(selector: str) -> None:
    check_selector(selector)
