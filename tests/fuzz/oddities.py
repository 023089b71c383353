"""What browsers send, and what nobody should: tables to draw requests from."""

from __future__ import annotations

Field = tuple[bytes, bytes]
COOKIES = b"{cookies}"
"""Where they go."""
HOST = (b"Host", b"shop.example")
CHROME = (
    HOST,
    (b"Connection", b"keep-alive"),
    (b"sec-ch-ua", b'"Chromium";v="130", "Not?A_Brand";v="99"'),
    (b"sec-ch-ua-mobile", b"?0"),
    (b"Upgrade-Insecure-Requests", b"1"),
    (b"User-Agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36"),
    (b"Accept", b"text/html,application/xhtml+xml,*/*;q=0.8"),
    (b"Sec-Fetch-Mode", b"navigate"),
    (b"Sec-Fetch-Dest", b"document"),
    (b"Referer", b"https://shop.example/c/lamps"),
    (b"Accept-Encoding", b"gzip, deflate, br"),
    (b"Accept-Language", b"nl-NL,nl;q=0.9"),
    (b"Cookie", COOKIES),
)
PHONE = (
    HOST,
    (b"User-Agent", b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148"),
    (b"Accept", b"text/html,*/*;q=0.8"),
    (b"Accept-Language", b"en-GB"),
    (b"Accept-Encoding", b"identity"),
    (b"Cookie", COOKIES),
    (b"Connection", b"keep-alive"),
)
CDN = (
    (b"host", b"shop.example"),
    (b"x-forwarded-for", b"198.51.100.7"),
    (b"x-forwarded-proto", b"https"),
    (b"cf-ipcountry", b"BE"),
    (b"cf-ray", b"8f1"),
    (b"x-request-id", b"1-2"),
    (b"user-agent", b"Mozilla/5.0 (Macintosh)"),
    (b"accept", b"text/html"),
    (b"accept-encoding", b"gzip"),
    (b"cookie", COOKIES),
)
CDN_IN_GHENT = (*CDN[:4], (b"cf-ipcity", b"Gent"), *CDN[4:])
CDN_IN_MECHELEN = (*CDN[:4], (b"cf-ipcity", b"Mechelen"), *CDN[4:])
BARE = (HOST, (b"User-Agent", b"curl/8"), (b"Accept", b"*/*"), (b"Cookie", COOKIES))
BROWSERS = (CHROME, PHONE, CDN, CDN_IN_GHENT, CDN_IN_MECHELEN, BARE)

PATHS = (
    b"/", b"/", b"/", b"/c/shoes", b"/?utm_campaign=letter", b"/?a=1&b=2", b"/?b=2&a=1", b"/?", b"/plain",
    b"/css/a.css", b"/own/page", b"/own/page/2", b"/own/plain", b"/own/data", b"/vary", b"/gone", b"/esi/1", b"/to",
    b"/own/page?x=1", b"/_tb/slots?names=home.hero&path=/", b"/_tb/slot/home.hero?path=/", b"/_tb/nothing",
    b"/_tb/t.js",
)  # fmt: skip
ODD_PATHS = (
    b"//", b"//evil.test/", b"/%7eme", b"/./", b"/c/../", b"/c/../../", b"/%2e%2e/own/page", b"/c/%2fown", b"/%5f",
    b"/%00", b"/own/page/x.css", b"/own/page;.css", b"/own/page%3b.css", b"/own/page%23", b"/own/page%3f.css",
    b"/\\own", b"/a b", b"/a\tb", b"/#x", b"/?#x", b"http://shop.example/", b"http://evil.test/",
    b"https://shop.example/own/page", b"*", b"", b"own", b"/\x80", b"/\"<>^`{|}", b"/?q=\"<>^`{|}", b"/??",
    b"/?__tb=off", b"/?__tb=x", b"/_TB/slots", b"/%5ftb/slots?names=home.hero&path=/",
    b"/./_tb/slots?names=home.hero&path=/", b"/?utm_campaign=letter&utm_campaign=x", b"/?utm_campaign=%6cetter",
    b"/" + b"x" * 2_100, b"/?" + b"y" * 8_200, b"/:", b"/@evil", b"///", b"/;/", b"/%", b"/%zz", b"/%c0%ae",
)  # fmt: skip
MORE: tuple[Field, ...] = (
    (b"If-None-Match", b'W/"0123456789abcdef0123456789abcdef"'),
    (b"If-None-Match", b'"a", W/"0123456789abcdef0123456789abcdef"'), (b"Content-Length", b"0"),
    (b"Content-Length", b"3"), (b"Content-Length", b"x"), (b"Transfer-Encoding", b"chunked"),
    (b"Transfer-Encoding", b"identity"), (b"Expect", b"100-continue"), (b"Upgrade", b"h2c"),
    (b"Upgrade", b"websocket"), (b"Range", b"bytes=0-3"), (b"Range", b"bytes=0-" + b"9" * 5_000),
    (b"Range", b"bytes=9-,0-1"), (b"If-Range", b'"page"'), (b"If-None-Match", b'"page"'), (b"If-None-Match", b'"css"'),
    (b"If-None-Match", b"*"), (b"If-None-Match", b'W/"x", "plain"'), (b"If-None-Match", b""),
    (b"If-Modified-Since", b"Mon, 23 Nov 2026 12:00:00 GMT"), (b"If-Modified-Since", b"Fri, 01 Jan 2100 00:00:00 GMT"),
    (b"If-Match", b"*"), (b"If-Unmodified-Since", b"Mon, 23 Nov 2026 12:00:00 GMT"), (b"Cache-Control", b"no-cache"),
    (b"Cache-Control", b"no-store"), (b"Cache-Control", b"only-if-cached"), (b"Pragma", b"no-cache"),
    (b"Authorization", b"Bearer x"), (b"X-Original-URL", b"/own/page"), (b"X-HTTP-Method-Override", b"POST"),
    (b"X_Y", b"1"), (b"Cookie", b"a=b"), (b"cookie", b"a=b"), (b"COOKIE", b"a=b"), (b"Sec-GPC", b"1"), (b"DNT", b"1"),
    (b"Forwarded", b"for=1.2.3.4;proto=https"), (b"X-Forwarded-For", b"203.0.113.9"),
    (b"X-Forwarded-For", b"203.0.113.9, 10.0.0.1"), (b"X-Forwarded-Proto", b"https"),
    (b"X-Forwarded-Host", b"evil.test"), (b"X-Real-IP", b"203.0.113.9"), (b"CF-IPCountry", b"BE"),
    (b"CF-IPCountry", b"NL"), (b"Connection", b"close"), (b"Connection", b"keep-alive"), (b"Connection", b"cookie"),
    (b"Connection", b"x-forwarded-for"), (b"Connection", b"accept-language, keep-alive"), (b"Connection", b"upgrade"),
    (b"Proxy-Connection", b"keep-alive"), (b"TE", b"trailers"), (b"Accept-Encoding", b"gzip;q=0"),
    (b"Accept-Encoding", b"gzip;q=0, identity"), (b"Accept-Encoding", b"*;q=0"),
    (b"Accept-Encoding", b"br, zstd;q=0.5, gzip;q=nan"), (b"Accept-Encoding", b""), (b"Accept-Language", b"nl"),
    (b"Accept-Language", b""), (b"Referer", b"https://search.test/?q=x"), (b"Referer", b""),
    (b"referer", b"https://other.test/"), (b"Via", b"1.1 x"), (b"X-Request-Id", b"9-9"), (b"traceparent", b"00-1"),
    (b"Host", b"shop.example"), (b"Host", b"evil.test"), (b"Origin", b"https://evil.test"),
    (b"Sec-Purpose", b"prefetch"), (b"Content-Type", b"application/json"), (b"Keep-Alive", b"timeout=5"),
    (b"Accept-Encoding", b"identity;q=0"), (b"Accept-Encoding", b"*"), (b"Accept-Encoding", b"GZIP"),
    (b"Accept-Encoding", b"*;q=0, gzip"), (b"Accept-Encoding", b"gzip;q=0.000, *"), (b"Accept-Encoding", b"x-gzip"),
    (b"Accept-Encoding", b"gzip, gzip;q=0"), (b"Accept-Encoding", b"zstd"), (b"Accept-Encoding", b"gzip;q=1.0001"),
    (b"Accept-Encoding", b"br;q=1, zstd;q=0.9, gzip;q=0.8, *;q=0.1"), (b"Accept-Encoding", b"gzip ; q=1"),
    (b"Accept-Encoding", b"gzip;level=1"), (b"Accept-Encoding", b",gzip,,"), (b"Accept-Encoding", b"identity, gzip"),
    (b"Accept-Encoding", b"zstd;q=0.5, gzip;q=0.5, identity;q=0.5"), (b"Accept-Encoding", b"gzip;Q=0"),
    (b"Connection", b"CLOSE"), (b"Connection", b"Keep-Alive"), (b"Connection", b"keep-alive, close"),
    (b"Connection", b"close, TE"), (b"Connection", b"TE"), (b"Connection", b"closed"), (b"Connection", b""),
    (b"TE", b"trailers, deflate;q=0.5"), (b"Expect", b"100-Continue"), (b"Expect", b"200-ok"),
    (b"If-Modified-Since", b"Monday, 23-Nov-26 12:00:00 GMT"), (b"If-Modified-Since", b"0"),
    (b"If-Modified-Since", b"mon, 23 nov 2026 12:00:00 gmt"), (b"If-Range", b"Mon, 23 Nov 2026 12:00:00 GMT"),
    (b"If-Range", b'W/"page"'), (b"Range", b"bytes=-1"), (b"Range", b"bytes=0-"), (b"Range", b"BYTES=0-3"),
    (b"Range", b"bytes=3-0"), (b"Range", b"items=0-1"), (b"If-None-Match", b'"pa,ge", "page'),
    (b"Surrogate-Capability", b'x="ESI/1.0"'), (b"__proto__", b"x"), (b"Trailer", b"Cookie"),
)  # fmt: skip
HOSTS = (
    b"SHOP.example", b"shop.example:80", b"shop.example:8080", b"shop.example.", b"evil.test", b"", b"a b", b"[::1]",
    b"shop.example@evil", b"-x", b"shop.example:99999", b"shop_example",
)  # fmt: skip
PIECES = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b"\x0b", b"\x0c", b"\x7f", b"\x80", b":", b"\r\n ", b"\r\n\t",
    b"\r\n\r\n", b"a=b", b"; ", b";", b"?", b"/", b"#", b"\r\nCookie: c=d", b"\r\ncookie: c=d", b"\r\nCookie : c=d",
    b"\r\nCookie:c=d", b"\r\nReferer: /x", b"\r\nX-Forwarded-For: 1.1.1.1", b"\r\nIf-None-Match: W/x",
    b"\r\nTransfer-Encoding: chunked", b"\r\nHost: other", b"GET /own/page HTTP/1.1\r\nHost: shop.example\r\n\r\n",
    b"HTTP/1.0", b"POST ", b"x" * 9_000, b"\r\nA: b" * 101, b"\xff\xfe", b"=", b",", b'"', b"%0d%0a",
)  # fmt: skip

OTHERS = (
    b"tb_consent=none", b"tb_consent=session", b"tb_consent=profile", b"tb_consent=contextual", b"tb_consent=x",
    b"euconsent-v2=x", b"cdp=VIP", b'cdp="VIP,x"', b"cdp=%5B%22VIP%22%5D", b"cdp=[", b"currency=EUR", b"currency=USD",
    b"a", b"=b", b"=", b"", b'a="b; c"', b'"a=b', b"a=b c", b"a==b", b"\xe9=\xff", b"tb_v", b"tb_v= ", b"tb_s",
    b"$Version=1", b"a=" + b"y" * 4_096, b"__Secure-tb_v=x", b"tb_v=x; tb_v=y", b"tb_consent", b"tb_consent=", b"cdp=",
    b"currency=",
)  # fmt: skip
METHODS = (b"HEAD", b"POST", b"get", b"OPTIONS", b"PUT", b"PURGE", b"TRACE", b"CONNECT", b"G")
VERSIONS = (b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.2", b"http/1.1", b"HTTP/0.9", b"")
REST = (b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"3;x=y\r\nabc\r\n0\r\nCookie: a=b\r\n\r\n", b"\r\n", b"0\r\n\r\n")
"""What may follow a head."""
