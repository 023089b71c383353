"""Attacks on shared caches, as they are known, against the most gullible of origins: it writes all that it is told into
its pages, takes methods and paths from wherever somebody names them, has errors for what it does not like, and says of
all of it that everybody may be given it. What others get afterwards is what they would have got without the attack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from tests.fuzz.twins import both
from tests.wire.origin import Seen, ok
from tests.wire.site import answering

HTML, CSS = b"Content-Type: text/html; charset=utf-8", b"Content-Type: text/css"
FOR_ALL = b"Cache-Control: public, max-age=600"
RULES = {
    "a.rules.yaml": """version: 1
rules:
  - name: Everybody
    slot: home.hero
    show: {banner: {title: Hello}}
""",
    "slots.yaml": "slots:\n  home.hero: {}\n",
    "cache.yaml": """pages:
  - path: /counted*
    fresh: 10 minutes
    cookies: {ignore: ["*"]}
    query: {ignore: [utm_*]}
""",
}
EVIL = b"evil-mark"
SESSION = b"tok-1-end"
_NAMED = re.compile(rb"x-(?:original|rewrite)-ur[li]|x-http-(?:method|method-override|path-override)|x-method-override")


def gullible(seen: Seen) -> bytes:
    """What such an origin answers."""
    said = [b"%b: %b" % field for field in seen.headers if field[0] not in (b"host", b"content-length")]
    if max(map(len, said), default=0) > 4_000 or any(_NAMED.fullmatch(name) for name, _ in seen.headers):
        return ok(b"no " + EVIL, HTML, FOR_ALL, status=b"400 Bad Request")
    if (seen.get(b"range") or b"").startswith(b"bytes="):
        return ok(b"part", HTML, FOR_ALL, b"Content-Range: bytes 0-3/9", status=b"206 Partial Content")
    if b"account" in unquote_to_bytes(seen.target):  # whoever asks is shown theirs
        return ok(b"<p>account of %b" % (seen.get(b"cookie") or b"nobody"), HTML, FOR_ALL)
    kind = CSS if seen.target.startswith(b"/css") else HTML
    page = b'<html><div data-slot="home.hero">ours</div>%b %b %b</html>'
    return ok(page % (seen.target, b"\n".join(said), seen.body), kind, FOR_ALL)


FIELDS = tuple(
    b"accept accept-charset accept-datetime accept-encoding accept-language access-control-request-method "
    b"api-version authorization base-url cache-control cf-connecting-ip cf-ipcountry cf-visitor client-ip "
    b"cloudfront-viewer-country connection-info content-disposition content-encoding content-type cookie date "
    b"device-memory dnt dpr early-data fastly-client-ip forwarded from front-end-https glue-http-headers "
    b"if-match if-modified-since if-none-match if-range if-unmodified-since incap-client-ip magic-header "
    b"max-forwards origin pragma prefer priority proxy proxy-authorization proxy-connection proxy-host proxy-url "
    b"purpose range real-ip redirect referer referrer rtt save-data sec-ch-ua sec-fetch-dest sec-fetch-site "
    b"sec-gpc sec-websocket-key soapaction surrogate-capability te trailer translate true-client-ip uri url "
    b"user-agent vary via viewport-width wap-profile warning width x-accel-redirect "
    b"x-amz-website-redirect-location x-api-version x-arr-ssl x-att-deviceid x-backend-host x-client-ip "
    b"x-cluster-client-ip x-country x-csrf-token x-custom-ip-authorization x-debug x-device x-do-not-track "
    b"x-dns-prefetch-control x-env x-fb-debug x-file-name x-forwarded x-forwarded-by x-forwarded-for "
    b"x-forwarded-host x-forwarded-path x-forwarded-port x-forwarded-prefix x-forwarded-proto "
    b"x-forwarded-protocol x-forwarded-scheme x-forwarded-server x-forwarded-ssl x-forwarded-uri x-forwarder-for "
    b"x-geo x-host x-http-destinationurl x-http-host-override x-http-method x-http-method-override "
    b"x-http-path-override x-https x-locale x-method-override x-middleware-prefetch x-middleware-subrequest "
    b"x-nextjs-data x-original-host x-original-remote-addr x-original-url x-originating-ip x-pjax x-proxy-url "
    b"x-proxyuser-ip x-real-ip x-redirect x-ref x-remote-addr x-remote-ip x-request-uri x-requested-with "
    b"x-rewrite-url x-scheme x-server-name x-sfdc-lds x-target x-timer x-token x-trace x-true-ip x-ua-device "
    b"x-url-scheme x-user x-wap-profile x-web-auth-user x-wp-nonce x-zendesk-ip".split()
)
"""What origins and frameworks listen to without saying so (after the lists of Param Miner and CPDoS)."""


def attacks(path: bytes) -> Iterator[tuple[str, bytes]]:
    """Requests for the page at the path, or for what an origin might take for it, with their names."""

    def sent(line: bytes, *fields: bytes, host: bytes = b"shop.example", body: bytes = b"") -> bytes:
        return b"\r\n".join((line, b"Host: " + host, *fields, b"", body))

    line = b"GET %b HTTP/1.1" % path
    for name in FIELDS:
        yield name.decode(), sent(line, b"%b: %b" % (name, EVIL))
        yield f"long {name.decode()}", sent(line, b"%b: %b" % (name, EVIL * 500))
    ours = [b"X-%d: %b" % (number, EVIL * 30) for number in range(90)]
    yield "many fields", sent(line, *ours)
    yield "a bell", sent(line, b"X-Bell: \a" + EVIL)
    yield "a body", sent(line, b"Content-Length: 9", body=EVIL)
    yield "a body in chunks", sent(line, b"Transfer-Encoding: chunked", body=b"9\r\n%b\r\n0\r\n\r\n" % EVIL)
    yield (
        "a form",
        sent(line, b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: 11", body=b"a=" + EVIL),
    )
    yield "a part", sent(line, b"Range: bytes=0-3")
    yield "a part if", sent(line, b"Range: bytes=0-3", b'If-Range: "x"')
    yield "HEAD", sent(b"HEAD %b HTTP/1.1" % path)
    yield "HTTP/1.0", sent(b"GET %b HTTP/1.0" % path, b"X-A: " + EVIL)
    yield "absolute", sent(b"GET http://shop.example%b HTTP/1.1" % path, b"X-Forwarded-Host: " + EVIL)
    yield "of another host", sent(line, host=b"evil-mark.test")
    yield "of another port", sent(line, host=b"shop.example:1337")
    yield "in capitals", sent(line, b"X-Forwarded-Host: " + EVIL, host=b"SHOP.EXAMPLE")
    yield "a second Host", sent(line, b"Host: evil-mark.test")
    yield "a fragment", sent(b"GET %b#%b HTTP/1.1" % (path, EVIL))
    yield "a parameter", sent(b"GET %b;x=%b HTTP/1.1" % (path, EVIL))
    yield "a slash more", sent(b"GET /%b HTTP/1.1" % path, b"X-A: " + EVIL)
    yield "dots", sent(b"GET /evil-mark/..%b HTTP/1.1" % path)
    yield "coded dots", sent(b"GET /evil-mark/%%2e%%2E%b HTTP/1.1" % path)
    yield "a coded slash", sent(b"GET /evil-mark%%2f..%b HTTP/1.1" % path)
    yield "a backslash", sent(b"GET /evil-mark\\..%b HTTP/1.1" % path)
    yield "NUL", sent(b"GET %b%%00%b HTTP/1.1" % (path, EVIL))
    yield "a line end", sent(b"GET %b%%0d%%0aSet-Cookie:%%20a=evil-mark HTTP/1.1" % path)
    yield "a query", sent(b"GET %b?%b HTTP/1.1" % (path, EVIL))
    yield "an empty query", sent(b"GET %b? HTTP/1.1" % path, b"X-A: " + EVIL)
    yield "coded letters", sent(b"GET %b HTTP/1.1" % path.replace(b"e", b"%65"), b"X-A: " + EVIL)
    yield "a parameter that counts not", sent(b"GET %b?utm_x=%b HTTP/1.1" % (path, EVIL))
    yield "one within it", sent(b"GET %b?utm_x=1;q=%b HTTP/1.1" % (path, EVIL))
    yield "its name coded", sent(b"GET %b?%%75tm_x=%b HTTP/1.1" % (path, EVIL))
    yield "a preview", sent(b"GET %b?__tb=%b HTTP/1.1" % (path, EVIL))
    yield "a cookie of ours", sent(line, b"Cookie: tb_v=evil-mark; tb_s=evil-mark; tb_p=evil-mark")
    yield "a form sent", sent(b"POST %b HTTP/1.1" % path, b"Content-Length: 9", body=EVIL)


@pytest.mark.parametrize("where", ["page", "css", "counted"])
async def test_what_others_get_does_not_depend_on_who_asked_before(where: str, tmp_path: Path) -> None:
    async with both(answering(gullible), RULES, tmp_path, profiles=()) as (attacked, spared):
        for number, (name, _) in enumerate(attacks(b"/")):
            if where != "page" and name.startswith("long "):
                continue
            path = b"/%b/e%d" % (where.encode(), number)
            attack = dict(attacks(path))[name]
            for _ in range(2):
                await attacked.say(0, [attack])
            asked = [b"GET %b HTTP/1.1\r\nHost: shop.example\r\n\r\n" % path]
            for one in (attacked, spared):
                await one.say(1, asked)
            said = [await one.say(1, asked) for one in (attacked, spared)]
            answers = [_without_status(each.answer) for each in said]
            assert answers[0] == answers[1], name
            assert answers[0].startswith(b"HTTP/1.1 200") and EVIL not in answers[0], name


def _without_status(answer: bytes) -> bytes:
    return re.sub(rb"cache-status: [^\r]*", b"", answer)


DECEPTIONS = (
    b"/account", b"/account/x.css", b"/account/x.css?y", b"/account;x.css", b"/account;/x.css", b"/account%3bx.css",
    b"/account%2fx.css", b"/account%23x.css", b"/account%3fx.css", b"/account%00.css", b"/account%0a.css",
    b"/account.css", b"/account/.css", b"/account!x.css", b"/account~x.css", b"/account\\x.css", b"/account//x.css",
    b"/css/..%2faccount", b"/css/%2e%2e/account", b"/css/../account", b"/css%2f%2e%2e%2faccount", b"/css/..;/account",
    b"/css/x.css/..%5caccount", b"/counted/..%2faccount", b"/counted/account?utm_x=1", b"/robots.txt/..%2faccount",
    b"/%61ccount/x.css", b"/account/x.css/", b"/account/%2e%2e%2fx.css", b"//account/x.css",
    b"/css/%%32e%%32e/account",
)  # fmt: skip


async def test_nobodys_own_page_is_kept_however_it_is_called(tmp_path: Path) -> None:
    async with both(answering(gullible), RULES, tmp_path, profiles=()) as (attacked, _):
        heard: list[bytes] = []
        for path in DECEPTIONS:
            for fields in (b"Accept: text/html", b"Accept: text/css", b"Accept: */*\r\nAuthorization: Bearer x"):
                asked = b"GET %b HTTP/1.1\r\nHost: shop.example\r\n%b\r\nCookie: session=%b\r\n\r\n"
                heard.append((await attacked.say(0, [asked % (path, fields, SESSION)])).answer)
            others = await attacked.say(1, [b"GET %b HTTP/1.1\r\nHost: shop.example\r\n\r\n" % path])
            assert SESSION not in others.answer, path
        assert any(SESSION in answer for answer in heard), "nobody was shown their own"
