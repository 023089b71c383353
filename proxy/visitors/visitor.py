"""The visitor of a request, by our two cookies: reads and makes them.

`__Host-tb_v` holds the visitor's random id, and when it was first seen. `__Host-tb_s` holds segments vouched for by a
system that has the key, with their own short expiry; its signature covers the visitor's id, too, so it is worthless
with another visitor's cookie. Anything malformed, forged, expired or sent twice is ignored: the request is then
anonymous, never an error.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from math import inf

import msgspec

from proxy.errors import OperatorError
from proxy.http.message import Request, cookies_named
from proxy.memo import make_room
from proxy.metrics import Metrics
from proxy.model import Visitor
from proxy.settings import Settings
from proxy.visitors.claims import (
    SEGMENTS_CLAIMS,
    VISITOR_CLAIMS,
    Claim,
    FirstCookies,
    NewVisitor,
    SegmentLists,
    SegmentsClaim,
    VisitorClaim,
    segment_list,
    unsigned_segments,
)
from proxy.visitors.equivalence import NO_MEMBERSHIP, ClassMembership, EquivalenceClasses
from proxy.visitors.known import Known
from proxy.visitors.signing import Keyring

VISITOR_PURPOSE = b"tailorbird visitor v1"
SEGMENTS_PURPOSE = b"tailorbird segments v1"
MAX_COOKIE_BYTES = 512
CLOCK_SKEW_SECONDS, CLOCK_STEP_SECONDS = 60, 86_400  # further ahead than a clock that was put right is another unit
MEMO_SIZE = 20_000
ID_BYTES = 16
ANONYMOUS = Visitor()
_OURS = frozenset((b"v=", b"s="))
VISITOR_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class Verified(msgspec.Struct, eq=False, gc=False):
    """The content of a pair of genuine cookies: the visitor with the segments, and when the segments count.
    `membership` caches the visitor's class number."""

    visitor_id: str
    full: Visitor
    counts_from: float = -inf
    counts_until: float = inf
    membership: ClassMembership = NO_MEMBERSHIP

    @classmethod
    def of(cls, claim: VisitorClaim, segments: SegmentsClaim | None, names: frozenset[str]) -> Verified:
        full = Visitor(claim.id, float(claim.iat), names, is_for_session=claim.session)
        counts = (float(segments.iat - CLOCK_SKEW_SECONDS), float(segments.exp)) if segments is not None else ()
        return cls(claim.id, full, *counts)

    @property
    def bare(self) -> Visitor:
        """The visitor without the segments. Rarely needed: a browser drops the segment cookie when it expires."""
        return msgspec.structs.replace(self.full, segments=frozenset())

    def at(self, now: float) -> Visitor:
        """The visitor at a moment: with the segments while they count."""
        return self.full if self.counts_from <= now < self.counts_until else self.bare

    def remember(self, classes: EquivalenceClasses, number: int, known: Known, now: float) -> None:
        """Caches the visitor's class number, with the state of knowledge that it was found with."""
        until = classes.holds_until(self.full, known, now)
        if now < self.counts_from < until:
            until = self.counts_from
        elif now < self.counts_until < until:
            until = self.counts_until
        if until > now:
            self.membership = ClassMembership(classes, number, known, known.version, now, until)


NOBODYS = Verified("", ANONYMOUS)
"""The content of a Cookie header that has no cookie of ours."""


class Cookies:
    """Reads and mints the cookies of one installation.

    `max_age` in seconds makes the visitor cookie persistent. `unsigned` names a foreign cookie whose segments are
    read as a hint. `is_demo` drops the `__Host-` prefix and `Secure`, for plain http on loopback. `metrics` counts
    visitors' cookies that are ignored.
    """

    def __init__(
        self,
        secret: str,
        *,
        max_age: int | None = None,
        segment_seconds: int = 1_800,
        unsigned: str = "",
        is_demo: bool = False,
        metrics: Metrics | None = None,
    ) -> None:
        self._keys = Keyring(secret)
        self._segment_seconds = segment_seconds
        self._unsigned = unsigned.encode()
        self._flags = b"; Path=/; HttpOnly; SameSite=Lax" + (b"" if is_demo else b"; Secure")
        self._lasting = self._flags + (b"" if max_age is None else b"; Max-Age=%d" % max_age)
        self._first_cookies = FirstCookies(lambda second, count: self._new_visitors(second, count, self._lasting))
        self._prefix = b"tb_" if is_demo else b"__Host-tb_"
        self.visitor_name = self._prefix + b"v"
        self.segments_name = self._prefix + b"s"
        self.forgotten = self.visitor_name + b"=" + self._flags + b"; Max-Age=0"
        self._memo: dict[bytes, Verified] = {}  # by our cookies, without the prefix
        self._known = self._memo.get
        self._lists = SegmentLists()
        self._metrics = metrics

    @classmethod
    def from_settings(cls, settings: Settings, *, is_demo: bool = False, metrics: Metrics | None = None) -> Cookies:
        """Raises `OperatorError` for a missing or short key."""
        is_persistent = settings.visitor_cookie == "persistent"
        return cls(
            settings.secret,
            max_age=settings.visitor_cookie_days * 86_400 if is_persistent else None,
            segment_seconds=settings.segment_cookie_seconds,
            unsigned=settings.unsigned_segments_cookie,
            is_demo=is_demo,
            metrics=metrics,
        )

    # -- reading

    def forget(self) -> None:
        """Forgets all verified cookies."""
        self._memo.clear()

    def read(self, cookie_header: bytes, now: float) -> Visitor:
        """The visitor behind a Cookie header (several fields joined by `; `); never raises."""
        return self._read(cookies_named(self._prefix, cookie_header), cookie_header, now)

    def known(self, cookie_header: bytes, now: float) -> Visitor | None:
        """The visitor behind a Cookie header, if it is `verified`."""
        verified = self.verified(cookie_header, now)
        return None if verified is None or verified is NOBODYS else verified.at(now)

    def verified(self, cookie_header: bytes, now: float) -> Verified | None:
        """The content of our cookies in a Cookie header, if they are genuine, of one visitor, and written as browsers
        write them; `NOBODYS` if it has none of ours; None when the header has to be parsed."""
        if self._unsigned:
            return None
        parts = cookie_header.split(self._prefix)  # in less than half the time of a regular expression
        if len(parts) == 3:  # mostly both cookies, the visitor's before the segments
            before, visitor, segments = parts
            if visitor.endswith(b"; ") and (not before or before.endswith(b"; ")):
                segments = segments.partition(b";")[0]
                key = visitor + segments
                known = self._known(key)
                if known is not None:
                    return known
                if visitor.find(b";") == len(visitor) - 2:
                    return self._verified_now(key, (visitor[:-2], segments), now)
        return self._verified_apart(parts, now) if len(parts) > 1 else NOBODYS

    def _verified_apart(self, parts: Sequence[bytes], now: float) -> Verified | None:
        """The same for any cookies of ours, of a Cookie header split at their prefix."""
        before, *cookies = parts
        ours = []
        for cookie in cookies:
            if before and not before.endswith(b"; "):
                return None
            ours.append(cookie.partition(b";")[0])
            before = cookie
        key = b"; ".join(ours)
        return self._known(key) or self._verified_now(key, ours, now)

    def _verified_now(self, key: bytes, ours: Sequence[bytes], now: float) -> Verified | None:
        if len(ours) > 2 or ours[0][:2] != b"v=" or (len(ours) == 2 and ours[1][:2] != b"s="):
            return None
        self._judged(key, ours[0][2:], ours[1][2:] if len(ours) == 2 else b"", now)
        return self._known(key)

    def of(self, request: Request, now: float) -> Visitor:
        """The visitor who asks; never raises."""
        ours = request.cookies_named(self._prefix)
        known = self._known(b"; ".join(ours)) if not self._unsigned else None
        return self._read(ours, request.cookies, now) if known is None else known.at(now)

    def _read(self, ours: Sequence[bytes], cookie_header: bytes, now: float) -> Visitor:
        hints = cookies_named(self._unsigned + b"=", cookie_header) if self._unsigned else []
        if not ours and not hints:
            return ANONYMOUS
        mine = [(cookie[:2], cookie[2:]) for cookie in ours if cookie[:2] in _OURS]
        named = dict(mine)
        # A sibling host can plant a second cookie of the same name (cookie tossing); nothing tells which is ours.
        if len(named) < len(mine) or len(hints) > 1:
            return ANONYMOUS
        visitor = self._verified(named[b"v="], named.get(b"s=", b""), now) if b"v=" in named else ANONYMOUS
        return msgspec.structs.replace(visitor, unverified=unsigned_segments(hints[0])) if hints else visitor

    def _verified(self, visitor_cookie: bytes, segments_cookie: bytes, now: float) -> Visitor:
        key = b"v=" + visitor_cookie
        if segments_cookie:
            key += b"; s=" + segments_cookie
        verified = self._known(key) or self._judged(key, visitor_cookie, segments_cookie, now)
        if verified is not None:
            return verified.at(now)
        if self._metrics is not None:
            why = "content" if self._keys.knows(visitor_cookie) else "key"
            self._metrics.count("tailorbird_cookies_ignored_total", "why", why)
        return ANONYMOUS

    def _judged(self, key: bytes, visitor_cookie: bytes, segments_cookie: bytes, now: float) -> Verified | None:
        """The content of the cookies, None if they are not genuine; remembered by `key`."""
        claim = self._claim(VISITOR_PURPOSE, visitor_cookie, VISITOR_CLAIMS)
        if claim is None or not VISITOR_ID.fullmatch(claim.id) or claim.iat > now + CLOCK_STEP_SECONDS:
            return None
        segments = self._claim(_bound(claim.id), segments_cookie, SEGMENTS_CLAIMS) if segments_cookie else None
        names = self._lists.read(segments.segments) if segments is not None else None
        if names is None:
            segments, names = None, frozenset()
        verified = Verified.of(claim, segments, names)
        # Genuine ones only are kept: made-up ones must not push them out. Those of a session are looked at each time.
        if (segments is not None or not segments_cookie) and not claim.session:
            make_room(self._memo, MEMO_SIZE)
            self._memo[key] = verified
        return verified

    def _claim(self, purpose: bytes, cookie: bytes, claims: msgspec.json.Decoder[Claim]) -> Claim | None:
        payload = self._keys.open(purpose, cookie) if 0 < len(cookie) <= MAX_COOKIE_BYTES else None
        if payload is None:
            return None
        try:
            return claims.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    # -- minting

    def new_visitor(self, now: float, *, is_for_session: bool = False) -> NewVisitor:
        """A new visitor, and the Set-Cookie value for their cookie."""
        return self._new_visitors(int(now), 1, self._flags)[0] if is_for_session else self._first_cookies.take(now)

    def _new_visitors(self, second: int, count: int, flags: bytes) -> list[NewVisitor]:
        digits = secrets.token_hex(ID_BYTES * count)
        new = [Visitor(digits[at : at + 2 * ID_BYTES], float(second)) for at in range(0, len(digits), 2 * ID_BYTES)]
        return [(visitor, self._set(visitor, flags)) for visitor in new]

    def renewed(self, visitor: Visitor, *, is_for_session: bool) -> bytes | None:
        """The Set-Cookie value for a visitor whose cookie should last longer or shorter than it does; else None."""
        if visitor.is_for_session is is_for_session or self._lasting == self._flags:
            return None
        return self._set(visitor, self._flags if is_for_session else self._lasting)

    def _set(self, visitor: Visitor, flags: bytes) -> bytes:
        more = b"" if flags == self._lasting else b',"session":true'
        payload = b'{"id":"%b","iat":%d%b}' % (visitor.id.encode(), int(visitor.first_seen_at), more)
        return b"%b=%b%b" % (self.visitor_name, self._keys.sign(VISITOR_PURPOSE, payload), flags)

    def visitor_cookie(self, visitor_id: str, first_seen_at: float) -> bytes:
        """A Set-Cookie value. Raises `OperatorError` when the id is not 1 to 64 of `A-Za-z0-9_-`."""
        return self.visitor_pair(visitor_id, first_seen_at) + self._lasting

    def segment_cookie(self, visitor_id: str, segments: Iterable[str], now: float, seconds: int | None = None) -> bytes:
        """A Set-Cookie value; the segments count for `seconds`, else for the setting's time. Raises
        `OperatorError` when they do not fit into a cookie."""
        seconds = self._segment_seconds if seconds is None else seconds
        return self.segments_pair(visitor_id, segments, now, seconds) + self._flags + b"; Max-Age=%d" % seconds

    def visitor_pair(self, visitor_id: str, first_seen_at: float) -> bytes:
        """`name=value`, as a browser sends it back. Raises `OperatorError` as `visitor_cookie`."""
        if not VISITOR_ID.fullmatch(visitor_id):
            raise OperatorError(
                f"`{visitor_id}` cannot be a visitor id", help="use 1 to 64 letters, digits, hyphens and underscores"
            )
        return self._pair(self.visitor_name, VISITOR_PURPOSE, VisitorClaim(visitor_id, int(first_seen_at)))

    def segments_pair(self, visitor_id: str, segments: Iterable[str], now: float, seconds: int | None = None) -> bytes:
        """`name=value`, as a browser sends it back. Raises `OperatorError` as `segment_cookie`."""
        seconds = self._segment_seconds if seconds is None else seconds
        claim = SegmentsClaim(int(now), int(now) + seconds, segment_list(segments))
        return self._pair(self.segments_name, _bound(visitor_id), claim)

    def _pair(self, name: bytes, purpose: bytes, claim: msgspec.Struct) -> bytes:
        value = self._keys.sign(purpose, msgspec.json.encode(claim))
        if len(value) > MAX_COOKIE_BYTES:
            raise OperatorError(
                f"the cookie would be {len(value)} bytes, more than {MAX_COOKIE_BYTES}",
                help="name fewer segments; long lists belong in the profile",
            )
        return name + b"=" + value


def _bound(visitor_id: str) -> bytes:
    return SEGMENTS_PURPOSE + b"\n" + visitor_id.encode()
