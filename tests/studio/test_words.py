"""A new file has no mistakes, and who writes one finds the words that can stand in it."""

from __future__ import annotations

import pytest

from proxy.rulebook.compile import load
from proxy.studio.words import started, words_view

FILES = {
    "a.rules.yaml": b"rules: []",
    "slots.yaml": b"slots: {home.hero: {}}",
    "attributes.yaml": b"attributes: {club: truth}",
    "banners/gift.html": b"<p>x</p>",
}


@pytest.mark.parametrize("name", ["b.rules.yaml", "slots.yaml", "attributes.yaml", "banners/b.html", "cards/c.html"])
def test_a_new_file_has_no_mistakes(name: str) -> None:
    text = started(name, load(FILES))
    assert not load({**FILES, name: text.encode()}).findings


def test_words_are_those_of_this_shop() -> None:
    words = words_view(FILES, load(FILES))
    assert (words.slots, words.banners) == (["home.hero"], ["gift"])
    lines = dict(words.lines)
    assert lines["country: [NL, BE, NO]"].startswith("where the visitor is") and "club: any" in lines


def test_a_folder_that_cannot_be_read_has_the_words_of_every_shop() -> None:
    assert len(words_view([], load({"a.rules.yaml": b"rules: ["})).lines) > 30
