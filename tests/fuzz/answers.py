"""What origins answer, well and badly, drawn by dice: pages that come again with a little changed, and heads that no
origin should write."""

from __future__ import annotations

import gzip
import random
from dataclasses import dataclass

Line = bytes
HTML = b"Content-Type: text/html; charset=utf-8"
OK = b"HTTP/1.1 200 OK"
ODD_STATUSES = (
    b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1 200 All \xc3\xa9", b"HTTP/1.0 200 OK", b"HTTP/1.1 203 X",
    b"HTTP/1.1 204 No Content", b"HTTP/1.1 206 Partial Content", b"HTTP/1.1 299 Odd", b"HTTP/1.1 301 Moved",
    b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 404 Not Found", b"HTTP/1.1 410 Gone", b"HTTP/1.1 401 No",
    b"HTTP/1.1 500 Oh", b"HTTP/1.1 503 Oh", b"HTTP/1.1 999 X", b"HTTP/1.1 99 X", b"HTTP/1.1 0200 X", b"HTTP/2 200 OK",
    b"http/1.1 200 OK", b"HTTP/1.1 200 OK", b"ICY 200 OK", b"HTTP/1.1 2xx OK", b"HTTP/1.1\t200 OK", b"",
)  # fmt: skip
CONTROLS = (
    b"max-age=60", b"max-age=60", b"max-age=60", b"private", b"private", b"no-store", b"no-store", b"no-cache",
    b"max-age=0", b"max-age=60, private", b"max-age=60, must-revalidate", b"max-age=1, stale-while-revalidate=60",
    b"max-age=1, stale-if-error=60", b"public", b"s-maxage=60", b'private="set-cookie", max-age=60',
    b'no-cache="x-own", max-age=60', b"max-age=60, no-transform", b"max-age=x", b"max-age=-1", b'max-age="60"',
    b"MAX-AGE=60", b"max-age=60, max-age=0", b"max-age=" + b"9" * 5_000, b"", b"immutable",
    b"must-understand, no-store",
)  # fmt: skip
MORE = (
    b'ETag: "a\0b"', b"Date: a\nb", b"X-Request-Id: a\x0bb", b"Age: \x01", b"Last-Modified: a\rb", b"Expires: \x7f",
    b"Set-Cookie: shop=fresh", b"Set-Cookie: shop=fresh; Domain=127.0.0.1", b"Vary: Cookie", b"Vary: *",
    b"Vary: Accept-Language", b"Vary: Accept-Encoding, Accept-Language", b"Vary: User-Agent", b"Age: 10", b"Age: x",
    b"Age: " + b"9" * 5_000, b"Expires: 0", b"Expires: Mon, 23 Nov 2026 13:00:00 GMT",
    b"Date: Mon, 23 Nov 2026 11:00:00 GMT", b"Date: x", b"X-Own: secret", b"X-Empty:", b"X-Two: 1",
    b"Surrogate-Control: max-age=9", b'Surrogate-Control: content="ESI/1.0"', b"CDN-Cache-Control: private",
    b"CDN-Cache-Control: max-age=5", b"Tailorbird-Cache-Control: no-store", b"Surrogate-Key: a b",
    b"Cache-Status: cdn; hit", b"Via: 1.0 x", b"Connection: keep-alive", b"Connection: close", b"Connection: etag",
    b"Connection: cache-control", b"Keep-Alive: timeout=1", b"Alt-Svc: h3", b"Link: </a.css>; rel=preload",
    b"Location: /own/page", b"Location: //evil.test/", b"Content-Language: nl",
    b"Content-Security-Policy: script-src 'nonce-abc'", b"Content-Encoding: identity", b"Content-Encoding: br",
    b"Accept-Ranges: bytes", b"Content-Range: bytes 0-3/9", b"X-Fold: a\r\n b", b"X-Nul: a\0b", b"X-Cr: a\rb",
    b"X-Lf: a\nb", b"X Bad: 1", b"X-Bad : 1", b": 1", b"nocolon", b"X-High: \xff\xfe", b"X-Vt: a\x0bb",
    b"Content-Length: 3", b"Content-Length: +3", b"content-length: 0x3", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: identity", b"Transfer-Encoding: gzip, chunked", b"Trailer: Set-Cookie", b"Upgrade: h2c",
    b"X-Long: " + b"x" * 9_000, b"X-Longer: " + b"x" * 70_000, b"Server-Timing: a;dur=1", b"X-Request-Id: 7",
    b"X-Request-Id: 8 ", b"Etag: \"again\"", b"ETag: W/\"x\"", b"ETag: \"\xff\"", b"ETag: x y",
    b"Last-Modified: Mon, 23 Nov 2026 10:00:00 GMT", b"Content-Type: text/plain", b"Content-Type: application/json",
    b"X_Under: 1",
)  # fmt: skip
AHEAD = (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" * 2, b"HTTP/1.1 101 X\r\n\r\n")
_OF_FRAMING = (b"content-length", b"transfer-encoding", b"upgrade")
SLOT = b'<div data-slot="home.hero">ours</div>'
BODIES = (
    b"<html><body>%b<p>word %%d</p><a href=\"/x/%%d\">a</a></body></html>" % SLOT,
    b"<html><body>%b<p>word %%d</p><a href=\"/x/%%d\">a</a></body></html>" % SLOT,
    b"<html><head><title>%d</title></head><body><p>plain %d</p></body></html>",
    b"<html><body>%b%b<p>%%d %%d</p></body></html>" % (SLOT, SLOT.replace(b"hero", b"side")),
    b"<html><body><form><input name=csrf_token value=\"t%%d\"></form>%b%%d</body></html>" % SLOT,
    b"<html><body><script>var a = '%%d-%%d'</script>%b</body></html>" % SLOT,
    b"<html><body><!-- %d --><div data-slot=\"home.hero\">kept %d</div></body></html>",
    b"<html><body>\r\n%b\r\n\0 %%d %%d</body></html>" % SLOT,
    b"<html><body>%b<esi:include src=\"/own/%%d\"/>%%d</body></html>" % SLOT, b'{"a": %d, "b": "%d"}', b"", b"%d%d",
)  # fmt: skip
WORDS = (0, 1, 7, 11, 123, 1_000_000)


@dataclass(frozen=True)
class Said:
    """An answer as it is sent, in pieces; the connection `ends` with it."""

    pieces: tuple[bytes, ...]
    ends: bool = False


class Answers:
    """Draws answers. One in two is like the one before, with something changed: so all that can be learned is."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._last = self._new()

    def any(self) -> Said:
        """The next one."""
        dice = self._dice
        kind = dice.random()
        if kind < 0.3:
            self._last = self._new()
        status, fields, body = self._last
        fields = list(fields)
        for _ in range(dice.choice((0, 0, 0, 0, 1, 1, 2))):
            fields.insert(dice.randrange(len(fields) + 1), dice.choice(MORE))
        if dice.random() < 0.05 and fields:
            del fields[dice.randrange(len(fields))]
        if dice.random() < 0.05:
            status = dice.choice(ODD_STATUSES)
        return self._sent(status, fields, self._filled(body))

    def _new(self) -> tuple[bytes, list[Line], bytes]:
        dice = self._dice
        fields = [
            dice.choice((HTML, HTML, HTML, b"Content-Type: text/html", b"Content-Type: text/html; charset=latin-1"))
        ]
        fields.append(b"Cache-Control: " + dice.choice(CONTROLS))
        if dice.random() < 0.5:
            fields.append(b'ETag: "v%d"' % dice.randrange(3))
        if dice.random() < 0.15:
            fields.append(dice.choice(MORE))
        return (dice.choice(ODD_STATUSES) if dice.random() < 0.1 else OK), fields, dice.choice(BODIES)

    def _filled(self, body: bytes) -> bytes:
        words = [self._dice.choice(WORDS) for _ in range(body.count(b"%d"))]
        return body % tuple(words)

    def _sent(self, status: bytes, fields: list[Line], body: bytes) -> Said:
        dice = self._dice
        # Whatever may not end where it says is ended: nobody waits for the rest in vain.
        ends = any(line.lower().startswith(_OF_FRAMING) for line in fields)
        if dice.random() < 0.1:
            body = gzip.compress(body, mtime=0)
            fields.append(b"Content-Encoding: gzip")
        framing = dice.random()
        if framing < 0.65:
            fields.insert(dice.randrange(len(fields) + 1), b"Content-Length: %d" % len(body))
        elif framing < 0.9:
            fields.append(b"Transfer-Encoding: chunked")
            body = self._chunked(body)
        elif framing < 0.97:
            ends = True  # only the closing of the connection says where it ends
        else:
            fields.append(b"Content-Length: %d" % max(0, len(body) + dice.choice((-1, 1, 10))))
            ends = True
        head = b"\r\n".join([status, *fields]) + b"\r\n\r\n"
        if dice.random() < 0.03:
            head = head.replace(b"\r\n", b"\n", dice.choice((1, 2, -1)))
        if dice.random() < 0.05:
            head = dice.choice(AHEAD) + head
        data = head + body
        if dice.random() < 0.03:
            data += dice.choice((b"more", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"))
        return Said(self._in_pieces(data), ends or status != OK or dice.random() < 0.05)

    def _chunked(self, body: bytes) -> bytes:
        dice, made = self._dice, b""
        is_plain = dice.random() < 0.7
        while body:
            size = dice.randrange(1, len(body) + 1)
            extension = b"" if is_plain else dice.choice((b"", b";a=b", b' ;x="y"', b";" + b"x" * 300))
            made += b"%x%b\r\n%b\r\n" % (size, extension, body[:size])
            body = body[size:]
        trailers = (b"X-Trailer: 1\r\n", b"Set-Cookie: a=b\r\n", b"Content-Length: 1\r\n")
        return made + b"0\r\n" + (b"" if is_plain else dice.choice((b"", *trailers))) + b"\r\n"

    def _in_pieces(self, data: bytes) -> tuple[bytes, ...]:
        if self._dice.random() < 0.8 or len(data) < 3:
            return (data,)
        at = self._dice.randrange(1, len(data))
        return data[:at], data[at:]
