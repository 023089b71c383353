from __future__ import annotations

import pytest

from proxy.serve.personal import Personal

PERSONAL = Personal(["_ga*", "_fbp", "a.b*"])


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        (b"", False),
        (b"_ga=1; _ga_XYZ=2; _fbp=3", False),
        (b"__Host-tb_v=x; __Host-tb_s=y", False),
        (b"tb_v=x; TB_S=y", False),
        (b"session=1", True),
        (b"_ga=1; session=1", True),
        (b"_fbp2=1", True),
        (b"x_ga=1", True),
        (b"axb=1", True),
        (b"a.bc=1", False),
        (b"nameless", True),
        (b"; ;", False),
        (b"_ga=session=1", False),
    ],
)
def test_only_cookies_that_may_matter_make_a_request_personal(cookie: bytes, expected: bool) -> None:
    assert PERSONAL.is_personal(((b"accept", b"*/*"), (b"cookie", cookie))) is expected


def test_each_line_of_cookies_counts() -> None:
    assert PERSONAL.is_personal(((b"cookie", b"_ga=1"), (b"cookie", b"session=1")))


def test_credentials_make_a_request_personal() -> None:
    assert PERSONAL.is_personal(((b"authorization", b"Basic x"),))
    assert not PERSONAL.is_personal(())
