from __future__ import annotations

import pytest

from proxy.http.message import Handler
from proxy.serve.api import PATHS, handler_at, is_api
from tests.wire.site import Site


def test_the_paths_are_those_that_are_answered() -> None:
    assert set(Site("http://127.0.0.1:1").gateway.routes) == set(PATHS)


@pytest.mark.parametrize(
    ("path", "is_one"),
    [(b"/_tb/slots", True), (b"/_tb/slot/a", True), (b"/_tb/decide", True), (b"/_tb/decide/a", False),
     (b"/_tb/ofrep/v1/evaluate/flags/a", True), (b"/_tb/v1/track", False)],
)  # fmt: skip
def test_what_is_asked_beside_pages_is_known_by_its_path(path: bytes, is_one: bool) -> None:
    assert is_api(path) == is_one


def test_a_path_is_its_own_or_that_of_the_nearest_above_it() -> None:
    async def handler(_: object) -> None: ...

    routes: dict[str, Handler] = dict.fromkeys(("/a/", "/a/b/", "/a/b/c"), handler)  # type: ignore[dict-item]
    assert handler_at(routes, "/a/b/c") is handler and handler_at(routes, "/a/x") is handler
    assert handler_at(routes, "/b") is None
