from __future__ import annotations

import pytest

from proxy.model import Headers, HeadShape

SHAPE = HeadShape(200, ((b"server", b"shop"), (b"date", None), (b"x-empty", b""), (b"etag", None)))


@pytest.mark.parametrize("values", [[b"today", b'"a"'], [b"", b""], [b"etag: x", b"mark 0"]])
def test_the_fields_of_an_answer_have_its_values_where_they_stood(values: list[bytes]) -> None:
    headers = SHAPE.headers(values)
    assert headers == ((b"server", b"shop"), (b"date", values[0]), (b"x-empty", b""), (b"etag", values[1]))
    assert SHAPE.lines(values) == b"".join(b"%b: %b\r\n" % field for field in headers)


def test_what_is_made_of_one_answer_is_made_of_all_in_the_manner() -> None:
    def changed(headers: Headers) -> Headers:
        return (*(field for field in headers if field[0] != b"server"), (b"via", b"us"))

    values = [b"today", b'"a"']
    assert SHAPE.through(changed).headers(values) == changed(SHAPE.headers(values))
    assert SHAPE.through(changed).lines(values) == b'date: today\r\nx-empty: \r\netag: "a"\r\nvia: us\r\n'


def test_a_manner_is_not_guessed_where_a_value_that_differs_was_changed() -> None:
    with pytest.raises(ValueError, match="differ"):
        SHAPE.through(lambda headers: (*headers[:-1], (b"etag", b'W/"a"')))
    with pytest.raises(ValueError, match="differ"):
        SHAPE.through(lambda headers: tuple(reversed(headers)))


def test_a_value_may_be_left_out_with_its_field() -> None:
    def undated(headers: Headers) -> Headers:
        return tuple(field for field in headers if field[0] != b"date")

    def bare(headers: Headers) -> Headers:
        return headers[:1]

    values = [b"today", b'"a"']
    for changed in (undated, bare):
        left = SHAPE.through(changed)
        assert left.headers(values) == changed(SHAPE.headers(values))
        assert left.through(bare).lines(values) == b"server: shop\r\n"
    assert SHAPE.through(undated).lines(values) == b'server: shop\r\nx-empty: \r\netag: "a"\r\n'


def test_a_manner_without_such_values_is_one_too() -> None:
    assert HeadShape(204, ((b"server", b"shop"),)).lines([]) == b"server: shop\r\n"
