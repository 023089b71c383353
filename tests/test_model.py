"""The nouns keep the promises others rest on."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from proxy import model
from proxy.model import CacheVerdict, Place


def test_every_noun_is_frozen() -> None:
    nouns = [noun for _, noun in inspect.getmembers(model, dataclasses.is_dataclass)]
    assert len(nouns) > 15
    for noun in nouns:
        assert noun.__dataclass_params__.frozen, noun  # type: ignore[attr-defined]


def test_a_verdict_is_true_when_it_allows() -> None:
    assert CacheVerdict(True, "fresh")
    assert not CacheVerdict(False, "private")


@pytest.mark.parametrize(("place", "text"), [(Place("a.rules.yaml", 3, 5, 9), "a.rules.yaml:3")])
def test_a_place_reads_as_file_and_line(place: Place, text: str) -> None:
    assert str(place) == text
