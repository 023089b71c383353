from __future__ import annotations

import re

import pytest

from proxy.page.slots import SLOT_KINDS, SLOT_NAME, DeclaredSlot, KeyKind, stylesheet, stylesheet_url

HERO = DeclaredSlot("home.hero", height=400, phone_height=240)


@pytest.mark.parametrize(
    ("page", "path", "is_on"),
    [
        (None, "/anything", True),
        ("/", "/", True),
        ("/", "/sale", False),
        ("/c/*", "/c/shoes", True),
        ("/c/*", "/c", False),
        ("*", "/x", True),
        ("/a?b*", "/a?b", True),
        ("/[ab]", "/a", False),
    ],
)
def test_a_declared_slot_is_on_its_pages(page: str | None, path: str, is_on: bool) -> None:
    assert DeclaredSlot("a", page=page).is_on(path) is is_on


@pytest.mark.parametrize("name", ["hero", "home.hero", "all.top-bar", "a.b.c", "slot2"])
def test_slot_names_are_dotted_lower_case(name: str) -> None:
    assert SLOT_NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["", "Home", "a b", ".a", "a.", "a..b", "a\n", "é", "a_b", '"'])
def test_other_names_are_none(name: str) -> None:
    assert not SLOT_NAME.fullmatch(name)


def test_a_declared_size_becomes_a_fixed_height_on_desktop_and_phone() -> None:
    css = stylesheet([HERO]).decode()
    assert ".tb-size-home-hero{block-size:400px}" in css
    assert "@media (max-width:640px){.tb-size-home-hero{block-size:240px}}" in css
    assert "overflow:hidden" in css


def test_only_a_declared_size_has_a_class() -> None:
    assert HERO.size_class == "tb-size-home-hero"
    assert DeclaredSlot("home.hero").size_class == ""
    assert "size-b" not in stylesheet([DeclaredSlot("b")]).decode()


def test_classes_of_different_slots_differ() -> None:
    names = ["home.hero", "home-hero", "homehero", "home.he-ro"]
    assert len({DeclaredSlot(name, height=1).size_class for name in names}) == len(names)


def test_the_stylesheet_is_the_same_whatever_the_order_and_its_address_names_it() -> None:
    other = DeclaredSlot("all.topbar", height=40)
    assert stylesheet([HERO, other]) == stylesheet([other, HERO])
    assert re.fullmatch(r"/_tb/style\.[0-9a-f]{16}\.css", stylesheet_url(stylesheet([HERO])))
    assert stylesheet_url(stylesheet([HERO])) != stylesheet_url(stylesheet([other]))


def test_the_stylesheet_is_balanced_and_has_no_addresses() -> None:
    css = stylesheet([HERO]).decode("ascii")
    assert css.count("{") == css.count("}")
    assert "url(" not in css
    assert "@import" not in css


@pytest.mark.parametrize("kind", SLOT_KINDS, ids=lambda kind: kind.name)
def test_every_kind_and_key_says_what_it_is_with_an_example(kind) -> None:  # type: ignore[no-untyped-def]
    assert kind.help
    assert len({key.name for key in kind.keys}) == len(kind.keys)
    for key in kind.keys:
        assert key.help
        assert key.example
        assert isinstance(key.kind, KeyKind)
