from __future__ import annotations

from proxy.http.message import Handler
from proxy.serve.api import API, handler_at
from tests.wire.site import Site


def test_what_is_asked_beside_pages_is_known_by_its_path() -> None:
    assert all(path.encode().startswith(API) for path in Site("http://127.0.0.1:1").gateway.routes)
    assert not b"/_tb/v1/track".startswith(API) and not b"/_tb/t.js".startswith(API)


def test_a_path_is_its_own_or_that_of_the_nearest_above_it() -> None:
    async def handler(_: object) -> None: ...

    routes: dict[str, Handler] = dict.fromkeys(("/a/", "/a/b/", "/a/b/c"), handler)  # type: ignore[dict-item]
    assert handler_at(routes, "/a/b/c") is handler and handler_at(routes, "/a/x") is handler
    assert handler_at(routes, "/b") is None
