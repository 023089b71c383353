"""What goes straight from an origin that does what it should not, once it is known."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.serve.test_pass_through import FIELDS, NO_STORE, asked
from tests.wire.origin import Origin, Wire, always, in_turn, ok
from tests.wire.served import Served, hear, request

OK = b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\n"
EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
FINE = ok(b"abcdef", NO_STORE)
Outcome = tuple[int, bytes, bool]
WHOLE, NONE = (200, b"abcdef", True), (502, b"", True)
# What comes out, and of what: each piece comes by itself, and then the origin closes.
HOSTILE: dict[str, tuple[Outcome, tuple[bytes, ...]]] = {
    "head in pieces": (WHOLE, (FINE[:20], FINE[20:])),
    "head cut before its end": (WHOLE, (FINE[: FINE.index(b"\r\n\r\n") + 3], FINE[FINE.index(b"\r\n\r\n") + 3 :])),
    "body in pieces": (WHOLE, (FINE[:-6], b"abc", b"def")),
    "longer than it says": (WHOLE, (FINE + EVIL,)),
    "longer than it says, later": (WHOLE, (FINE[:-3], FINE[-3:] + EVIL)),
    "breaks off": ((200, b"abc", False), (FINE[:-3],)),
    "breaks off before its body": ((200, b"", False), (FINE[:-6],)),
    "breaks off in its head": (NONE, (FINE[:30],)),
    "nothing": (WHOLE, ()),
    "chunked": (
        WHOLE,
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"3\r\ndef\r\n0\r\nX-Trailer: 1\r\n\r\n"),
    ),
    "chunked, breaks off": ((200, b"abc", False), (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",)),
    "chunked and long": (NONE, (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n" + EVIL,)),
    "two lengths": (NONE, (OK + b"Content-Length: 6\r\nContent-Length: 3\r\n\r\nabcdef",)),
    "no length": (WHOLE, (OK + b"\r\nabc", b"def")),
    "length of too many digits": (WHOLE, (OK + b"Content-Length: 0000000000000000006\r\n\r\nabcdef",)),
    "negative length": (NONE, (OK + b"Content-Length: -6\r\n\r\nabcdef",)),
    "told to go on": (WHOLE, (b"HTTP/1.1 100 Continue\r\n\r\n" + FINE,)),
    "switches unasked": (
        NONE,
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + EVIL,),
    ),
    "not modified, with a length": (NONE, (FINE[:-6].replace(b"200 OK", b"304 Not Modified") + EVIL,)),
    "a bare line end": (NONE, (FINE.replace(b"no-store\r\n", b"no-store\nX: y\r\n"),)),
}


async def outcomes(*, has_lane: bool) -> dict[str, list[Outcome]]:
    """What comes out, by what the origin does: four answers before it does so, that one, and those after it."""
    counts: Counter[bytes] = Counter()

    async def script(wire: Wire) -> None:
        while True:
            target = (await wire.request()).target
            counts[target] += 1
            if counts[target] != 5:
                await wire.send(FINE)
                continue
            for piece in list(HOSTILE.values())[int(target[1:])][1]:
                await wire.send(piece)
                for _ in range(5):
                    await asyncio.sleep(0)
            return

    found = {}
    async with Origin(script) as origin, Served(origin.url, has_lane=has_lane) as served:
        for number, name in enumerate(HOSTILE):
            path = b"/%d" % number
            heard = await asked(served, path, 4)
            reader, writer = await served.connect()
            writer.write(request(b"GET", path, *FIELDS))
            heard.append(await hear(reader))
            if heard[-1].is_whole and not reader.at_eof():
                writer.write(request(b"GET", path, *FIELDS))
                heard.append(await hear(reader))
            writer.close()
            heard += await asked(served, path, 2)
            found[name] = [(one.status, one.body * (one.status < 500), one.is_whole) for one in heard]
        assert not any(limiter.under_way for limiter in served.site.origins.limiters.values())
    return found


@pytest.mark.parametrize("has_lane", [True, False])
async def test_what_an_origin_does_once_it_is_known_is_seen_for_what_it_is(has_lane: bool) -> None:
    for name, heard in (await outcomes(has_lane=has_lane)).items():
        expected = [WHOLE] * len(heard)
        expected[4] = HOSTILE[name][0]
        assert heard == expected, name


async def test_an_origin_that_breaks_off_breaks_the_clients_connection() -> None:
    answers = {b"/": ok(b"whole", NO_STORE), b"/cut": ok(b"whole", NO_STORE)}

    async def script(wire: Wire) -> None:
        while True:
            target = (await wire.request()).target
            if target == b"/cut" and len(origin.requests) > 4:
                await wire.send(answers[target][:-1])
                return
            await wire.send(answers[target])

    async with Origin(script) as origin, Served(origin.url) as served:
        await asked(served, b"/cut", 4)
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/cut", *FIELDS))
        heard = await hear(reader)
        assert (heard.is_whole, heard.body) == (False, b"whol")
        assert await reader.read() == b""
        writer.close()


async def test_a_connection_that_had_died_is_made_again_in_the_ordinary_way() -> None:
    answer = ok(b"fine", NO_STORE)

    async def closes_unheard(wire: Wire) -> None:
        """Answers three times; the fourth request finds the connection closed."""
        for _ in range(3):
            await wire.request()
            await wire.send(answer)
        await wire.reader.read(1)
        wire.reset()

    async with Origin(in_turn(closes_unheard, always(answer))) as origin, Served(origin.url) as served:
        assert [heard.body for heard in await asked(served, b"/", 5)] == [b"fine"] * 5
        assert origin.connections == 2


async def test_a_silent_or_malformed_origin_is_a_502_or_504() -> None:
    async def script(wire: Wire) -> None:
        for _ in range(3):
            await wire.request()
            await wire.send(ok(b"fine", NO_STORE))
        await wire.request()
        await wire.send(b"nonsense\r\n\r\n")
        await wire.until_closed()

    async def silent(wire: Wire) -> None:
        await wire.request()
        await wire.send(ok(b"fine", NO_STORE))
        await wire.request()
        await wire.until_closed()

    async with (
        Origin(in_turn(script, silent)) as origin,
        Served(origin.url, first_byte_timeout_ms=200) as served,
    ):
        assert [heard.status for heard in await asked(served, b"/", 6)] == [200, 200, 200, 502, 200, 504]


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("kind", [b"text/html", b"application/pdf"])
async def test_an_answer_without_content_has_no_length_whatever_the_origin_says_of_it(
    kind: bytes, is_kept: bool
) -> None:
    said = b"max-age=60" if is_kept else b"no-store"
    answer = b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\nContent-Type: %b\r\nCache-Control: %b\r\n\r\n" % (
        kind,
        said,
    )
    async with Origin(always(answer)) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        for path in (b"/a", b"/a", b"/b"):  # all on one connection
            writer.write(request(b"GET", path, *FIELDS))
            heard = await hear(reader)
            assert heard.status == 204
            assert b"content-length" not in heard.headers
        writer.close()


async def test_a_body_that_comes_late_behind_the_head_asked_for_is_nobodys_answer() -> None:
    async def script(wire: Wire) -> None:
        is_late = False
        while True:
            seen = await wire.request()
            await wire.send(EVIL if is_late else FINE[:-6] if seen.method == b"HEAD" else FINE)
            is_late = seen.method == b"HEAD"

    async with Origin(script) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(request(b"HEAD", b"/a", *FIELDS))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        for _ in range(2):
            assert (await served.get(b"/a", *FIELDS)).body == b"abcdef"
        writer.close()
