"""What stands behind the question mark of an address."""

from __future__ import annotations

import pytest

from proxy.visitors.parameters import MAX_CHARACTERS, MAX_PARAMETERS, parameters_of, search_term_of


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (b"", {}),
        (b"a=1&b=&c&=x", {"a": ["1"], "": ["x"]}),
        (b"size=S&size=M+L", {"size": ["S", "M L"]}),
        (b"q=Gr%C3%B6%C3%9Fe+42", {"q": ["Gr\u00f6\u00dfe 42"]}),
        (b"q=Gr%F6%DFe+42", {"q": ["Gr\u00f6\u00dfe 42"]}),
        (b"q=5%80", {"q": ["5\u20ac"]}),
        ("q=gr\u00f6\u00dfe".encode(), {"q": ["gr\u00f6\u00dfe"]}),
        (b"gr%F6%DFe=42", {"gr\u00f6\u00dfe": ["42"]}),
        (b"q=%zz%", {"q": ["%zz%"]}),
        (b"q=%81", {"q": ["\ufffd"]}),
    ],
)
def test_parameters_are_read_in_the_encoding_of_their_page(query: bytes, found: dict[str, list[str]]) -> None:
    assert parameters_of(query) == found


def test_there_is_an_end_to_them() -> None:
    assert len(parameters_of(b"&".join(b"p%d=1" % number for number in range(1_000)))) == MAX_PARAMETERS
    (found,) = parameters_of(b"x" * 9_000 + b"=" + b"y" * 9_000).items()
    assert found == ("x" * MAX_CHARACTERS, ["y" * MAX_CHARACTERS])


@pytest.mark.parametrize(
    ("query", "term"), [(b"q=boots", "boots"), (b"s=hat&page=2", "hat"), (b"page=2", ""), (b"", "")]
)
def test_what_was_searched_for_stands_in_one_of_the_usual_words(query: bytes, term: str) -> None:
    assert search_term_of(parameters_of(query)) == term
