from __future__ import annotations

from proxy.decide.conjunctions import Literal
from proxy.decide.layout import Layout
from proxy.model import NotOneOf, OneOf

RED, NOT_BLUE = Literal("colour", OneOf(frozenset({"red"}))), Literal("colour", NotOneOf(frozenset({"blue"})))
BIG = Literal("size", OneOf(frozenset({"big"})))


def test_conjunctions_get_one_bit_after_the_other() -> None:
    layout = Layout()
    assert [layout.add_conjunction(literals) for literals in ((RED,), (), (RED, BIG))] == [1, 2, 4]
    assert (layout.width, layout.all_bits) == (3, 7)


def test_a_literal_keeps_its_bit() -> None:
    layout = Layout()
    assert [layout.bit_of(literal) for literal in (RED, BIG, RED)] == [1, 2, 1]


def test_each_attribute_has_a_column_of_the_bits_that_ask_it() -> None:
    layout = Layout()
    layout.add_conjunction((RED, NOT_BLUE))
    layout.add_conjunction((BIG,))
    columns = layout.columns()
    assert {asked: column.bits("red") for asked, column in columns.items()} == {("colour", ""): 3, ("size", ""): 1}
    assert len(columns["colour", ""].layers) == 2, "two tests of one bit need two layers"
