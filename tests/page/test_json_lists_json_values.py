from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import EditorError
from proxy.page.json_lists import elements, end_of, steps_of, values_at


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$.content.hero", ("content", "hero")),
        ("$.blocks[0]['main block'].x", ("blocks", 0, "main block", "x")),
        ('$["a"]', ("a",)),
    ],
)
def test_a_path_is_read_step_by_step(path: str, steps: tuple[str | int, ...]) -> None:
    assert steps_of(path) == steps


@pytest.mark.parametrize("path", ["", "$", "content", "$.", "$..a", "$[*]", "$.a[", "$[-1]", "$.a b"])
def test_what_is_no_path_is_reported(path: str) -> None:
    with pytest.raises(EditorError, match="is no path into JSON"):
        steps_of(path)


TEXTS = st.text(st.sampled_from('[]{}",:\\aé'), max_size=6)
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner)
)


@given(VALUES, st.sampled_from([None, 1]))
def test_a_value_ends_where_a_parser_ends_it_whatever_its_texts_hold(value: object, indent: int | None) -> None:
    body = json.dumps([value, 1], indent=indent).encode()
    start = next(iter(elements(body, 0)))
    assert json.loads(body[start : end_of(body, start)]) == value


def test_a_member_that_is_there_twice_is_found_twice() -> None:
    body = b'{"a": 1, "b": {"a": 3}, "\\u0061": 2}'
    assert [body[start:end] for start, end in values_at(body, 0, ("a",))] == [b"1", b"2"]
