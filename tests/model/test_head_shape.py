from __future__ import annotations

from collections.abc import Callable

import pytest

from proxy.model import Headers, HeadShape

SHAPE = HeadShape(200, ((b"server", b"shop"), (b"date", None), (b"x-empty", b""), (b"etag", None)))


@pytest.mark.parametrize("values", [[b"today", b'"a"'], [b"", b""], [b"etag: x", b"mark 0"]])
def test_the_fields_of_an_answer_have_its_values_in_their_places(values: list[bytes]) -> None:
    headers = SHAPE.headers(values)
    assert headers == ((b"server", b"shop"), (b"date", values[0]), (b"x-empty", b""), (b"etag", values[1]))
    assert SHAPE.lines(values) == b"".join(b"%b: %b\r\n" % field for field in headers)


def test_a_change_of_the_shape_is_a_change_of_every_answer() -> None:
    def changed(headers: Headers) -> Headers:
        return (*(field for field in headers if field[0] != b"server"), (b"via", b"us"))

    values = [b"today", b'"a"']
    assert SHAPE.transformed(changed).headers(values) == changed(SHAPE.headers(values))
    assert SHAPE.transformed(changed).lines(values) == b'date: today\r\nx-empty: \r\netag: "a"\r\nvia: us\r\n'


def test_changing_or_moving_a_varying_value_is_an_error() -> None:
    with pytest.raises(ValueError, match="varying"):
        SHAPE.transformed(lambda headers: (*headers[:-1], (b"etag", b'W/"a"')))
    with pytest.raises(ValueError, match="varying"):
        SHAPE.transformed(lambda headers: tuple(reversed(headers)))


def test_a_varying_value_may_be_dropped_with_its_field() -> None:
    def undated(headers: Headers) -> Headers:
        return tuple(field for field in headers if field[0] != b"date")

    def bare(headers: Headers) -> Headers:
        return headers[:1]

    values = [b"today", b'"a"']
    for changed in (undated, bare):
        left = SHAPE.transformed(changed)
        assert left.headers(values) == changed(SHAPE.headers(values))
        assert left.transformed(bare).lines(values) == b"server: shop\r\n"
    assert SHAPE.transformed(undated).lines(values) == b'server: shop\r\nx-empty: \r\netag: "a"\r\n'


def test_a_shape_may_have_no_varying_values() -> None:
    assert HeadShape(204, ((b"server", b"shop"),)).lines([]) == b"server: shop\r\n"


def test_constant_bytes_may_stand_around_a_varying_value() -> None:
    shape = HeadShape(200, ((b"set-cookie", (b"", b"; Domain=shop.internal", b"")), (b"date", None)))
    values = [b"a=1", b"; Secure", b"today"]
    assert shape.headers(values) == ((b"set-cookie", b"a=1; Domain=shop.internal; Secure"), (b"date", b"today"))
    assert shape.lines(values) == b"set-cookie: a=1; Domain=shop.internal; Secure\r\ndate: today\r\n"

    def ours(headers: Headers) -> Headers:
        return tuple((name, value.replace(b"; Domain=shop.internal", b"")) for name, value in headers)

    assert shape.transformed(ours).lines(values) == b"set-cookie: a=1; Secure\r\ndate: today\r\n"
    assert shape.transformed(lambda headers: headers[1:]).lines(values) == b"date: today\r\n"
    assert shape.headers() == ((b"set-cookie", b"; Domain=shop.internal"), (b"date", b""))


@pytest.mark.parametrize("changed", [bytes.strip, bytes.lower, lambda value: value[:5]])
def test_changing_part_of_a_varying_value_is_an_error(changed: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match="varying"):
        SHAPE.transformed(lambda headers: tuple((name, changed(value)) for name, value in headers))
