"""The nouns keep the promises others rest on: those that say what is asked."""

from __future__ import annotations

import dataclasses
import inspect
from dataclasses import replace

import msgspec

from proxy import model
from proxy.model import Measure, OneOf, Place, Reading, measure_name


def test_every_noun_is_frozen() -> None:
    nouns = [noun for _, noun in inspect.getmembers(model, inspect.isclass)]
    frozen = [noun.__struct_config__.frozen for noun in nouns if issubclass(noun, msgspec.Struct)]
    frozen += [noun.__dataclass_params__.frozen for noun in nouns if dataclasses.is_dataclass(noun)]
    assert len(frozen) > 15 and all(frozen)


def test_a_place_reads_as_file_and_line() -> None:
    assert str(Place("a.rules.yaml", 3, 5, 9)) == "a.rules.yaml:3"


def test_a_measure_keeps_its_name_for_as_long_as_it_asks_the_same() -> None:
    measure = Measure(Reading.COUNT, ("product viewed",), 3_600, (("category", OneOf(frozenset({"shoes", "hats"}))),))
    assert measure_name(measure) == measure_name(replace(measure)) == "9b498d1ff9fc"
    assert measure_name(replace(measure, within_seconds=3_601)) != measure_name(measure)
