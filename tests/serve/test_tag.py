from __future__ import annotations

import gzip

from proxy.http.message import Request
from proxy.serve.tag import PATH, Tag
from proxy.settings import Settings

ASKED = Request(b"GET", PATH.encode(), b"", b"shop.example", ((b"accept-encoding", b"gzip, br"),))


async def test_the_module_is_small_and_given_packed() -> None:
    answer = await Tag(Settings()).routes[PATH](ASKED)
    (body,) = answer.chunks
    assert answer.status == 200
    assert (b"content-encoding", b"gzip") in answer.headers
    assert len(body) < 3_350
    plain = await Tag(Settings()).routes[PATH](Request(b"GET", PATH.encode(), b"", b"shop.example", ()))
    assert gzip.decompress(body) == b"".join(plain.chunks)


async def test_a_client_that_has_the_module_gets_a_304() -> None:
    tag = Tag(Settings())
    etag = (await tag.routes[PATH](ASKED)).get(b"etag")
    assert etag
    again = Request(b"GET", PATH.encode(), b"", b"shop.example", ((b"if-none-match", etag),))
    assert (await tag.routes[PATH](again)).status == 304


async def test_where_pages_tell_nothing_by_themselves_the_module_tells_all() -> None:
    little = await Tag(Settings()).routes[PATH](Request(b"GET", b"", b"", b"", ()))
    everything = await Tag(Settings(capture=False)).routes[PATH](Request(b"GET", b"", b"", b"", ()))
    assert b"navigator, 0)" in little.chunks[0]
    assert b"navigator, 1)" in everything.chunks[0]
