"""Repeated requests: answers a request by the record (`ways.py`) of what was done for an earlier one in the same words.

Most requests for a hot page differ only in who asks and when. So the look-up is not done again: what is checked is only
what may have changed since, namely the time, the stored entry, the visitor and their consent. Between two pages a
machine's caches are cold, so what this costs is how much memory it touches.

Its law: it answers what `Warm.hit` would answer, or nothing. Anything unusual returns nothing and goes the longer way.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nextafter

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from proxy.audience.traits import STRANGER
from proxy.http.message import Own, Question, Request, Response
from proxy.http.outgoing import assembled_answer
from proxy.httpcache.memory import Memory
from proxy.metrics import Metrics
from proxy.model import Consent, Profile, Visitor
from proxy.page.encode import AT_ONCE_BYTES, Assembled
from proxy.serve.accesslog import AccessLog
from proxy.serve.logline import beside_cookies
from proxy.serve.pages import Entry
from proxy.serve.showing import Met, Showing
from proxy.serve.ways import NOTHING, Way, Ways
from proxy.visitors.alike import NO_NUMBER
from proxy.visitors.capture import Capture, View
from proxy.visitors.known import NOBODY, Known
from proxy.visitors.pending import NOTHING_MORE
from proxy.visitors.preview import PREVIEWS
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.recording import Recorder
from proxy.visitors.remembered import MISSING
from proxy.visitors.visitor import Cookies, Verified

_OK = STATUS_LINE[200]
_ALL = Consent.PROFILE


class Again:
    """Answers repeated requests of one worker from `memory`. `clock` gives Unix seconds. Hits are noted in `accesslog`
    as they are written."""

    def __init__(
        self,
        memory: Memory[Entry],
        showing: Showing,
        cookies: Cookies,
        profiles: ProfileReader,
        metrics: Metrics,
        recorder: Recorder,
        capture: Capture,
        clock: Callable[[], float],
        accesslog: AccessLog | None = None,
    ) -> None:
        self._stored = memory
        self._showing = showing
        self._verified_by = cookies.verified
        self._cookies = cookies
        self._remembered = profiles.memory
        self._metrics = metrics
        self._hits = metrics.tally("tailorbird_cache_requests_total", "status", "hit")
        self._recorder = recorder
        self._capture = capture
        self._pending = profiles.pending
        self._untold = self._pending.given
        self._clock = clock
        self._log = None if accesslog is None else accesslog.add
        if accesslog is not None:
            accesslog.log(profiles.pending)
        self._ways = Ways(memory.max_bytes)
        self._way_of = self._ways.get
        self.forget = self._ways.clear
        memory.changed = self._ways.leave

    def learn(self, question: Question, key: bytes, entry: Entry) -> None:
        """Remembers that the question was answered with the entry under `key`."""
        if entry.template is not None:
            asked = self._showing.asked_by(entry.template)
            agreed = self._showing.consents.settled(question.is_private)
            page = self._capture.page_of(question, entry.template.about)
            self._ways.learn(question, key, entry, asked, self._showing.alikes(asked), agreed, page)

    def answer(self, question: Question, own: Own, client: str) -> bytes | Response | None:
        """The answer for one more who asks the same, mostly as it is written; None when it has to be looked up."""
        # What is called as it is looked up is taken for a method, and looked for in all classes.
        way_of, clock, verified_by = self._way_of, self._clock, self._verified_by
        way = way_of(question)
        if way is None:
            return None
        now = clock()
        is_as_before = way.since <= now <= way.until and way.changes == self._stored.changes
        if not (is_as_before or self._leads_on(way, now)):
            return None
        cookies = own.get(b"cookie", b"")
        verified = verified_by(cookies, now)
        if verified is None or (
            way.agreed is not _ALL and self._showing.consents.level(cookies, question.is_private) is not _ALL
        ):
            return self._newly(way, question, own, client, now)
        alikes = way.alikes
        if not alikes.is_lasting and self._untold:
            self._remembered.settle_of(verified.visitor_id)
        numbered = verified.numbered
        known = numbered.known
        if (
            numbered.alikes is alikes
            and numbered.version == known.version
            and known.is_current
            and numbered.since <= now < numbered.until
            and (way.is_vouched_for or abs(now - known.at) < self._remembered.seconds)
        ):
            known.is_used = True
            alikes.found.count += 1
            done, found = way.shown.get(numbered.number), None
        elif (found := self._found(way, verified, now)) is not None:
            done = way.shown.get(found[0])
        else:
            return None
        if done is None:
            profile = known.current() if found is None else found[1]
            if not way.shown:
                way.until = -inf  # what the page was shown as may be known from now on
            return self._anew(way, question.request(own, client), own, Met(verified.at(now), profile), now)
        self._hits.count += 1
        if way.is_noted_whole:
            self._capture.note(View(now, question.request(own, client), way.template.about, verified.at(now), done))
        pieces, more = done.pieces, beside_cookies(own) if len(own) > 1 else NOTHING_MORE
        if pieces is None or b"if-none-match" in more:
            self._metrics.show(now, question.path, done.decided)
            self._pending.add((now, verified.visitor_id, way.telling, done, question, more, client, b"", 0))
            return assembled_answer(200, way.head, done.page, question.request(own, client))
        pieces[0] = way.beginning
        answer = b"".join(pieces)
        length, given = len(answer) - len(pieces[0]) - len(pieces[1]), self._untold
        given.append((now, verified.visitor_id, way.telling, done, question, more, client, way.head, length))
        if (many := len(given)) == 1 or many >= self._pending.enough:
            self._pending.tend()
        return answer

    def _newly(self, way: Way, question: Question, own: Own, client: str, now: float) -> bytes | Response | None:
        """The same for somebody whose cookies have to be read, or who gets theirs with this page."""
        cookies = own.get(b"cookie", b"")
        if PREVIEWS in cookies:
            return None
        if way.agreed is _ALL and self._cookies.is_nobodys(cookies):
            given = self._welcomed(way, own, client, now)
            if given is not None:
                return given
        request = question.request(own, client)
        met = self._showing.meet(way.template, request, now)
        if met is None:
            return None
        done = way.shown.get(self._number(way, met.visitor, met.profile, now))
        if done is None:
            return self._anew(way, request, own, met, now)
        self._metrics.show(now, request.path, done.decided)
        if self._capture.is_on:
            is_first = met.set_cookie is not None
            self._capture.note(View(now, request, way.template.about, met.visitor, done, is_first))
        return self._given(way, request, own, done.page, met.set_cookie, now)

    def _welcomed(self, way: Way, own: Own, client: str, now: float) -> bytes | None:
        """The same for somebody who has none of our cookies, if others like them were shown the page."""
        if way.is_noted_whole or not self._showing.gives_cookies or b"if-none-match" in own:
            return None
        visitor, cookie = self._cookies.new_visitor(now)
        number = way.newcomers
        if number == NO_NUMBER:
            number = self._number(way, visitor, STRANGER, now)
            if not way.alikes.draws:  # else each has another
                way.newcomers = number
        done = way.shown.get(number)
        if done is None or done.pieces is None:
            return None
        self._hits.count += 1
        self._metrics.show(now, way.question.path, done.decided)
        self._capture.note_first(now, way.telling, visitor.id, done)
        self._note_line(now, way, own, client, done.page)
        lines = way.beginning, done.page.lines, b"set-cookie: ", cookie, b"\r\n\r\n"
        return b"".join((*lines, *done.page.chunks))

    def _anew(self, way: Way, request: Request, own: Own, met: Met, now: float) -> bytes | Response:
        """What nobody alike was shown, as far as is known."""
        page = self._showing.show(way.template, request, met, now, way.question.coding, way.recalled).page
        return self._given(way, request, own, page, met.set_cookie, now)

    def _given(
        self, way: Way, request: Request, own: Own, page: Assembled, set_cookie: bytes | None, now: float
    ) -> bytes | Response:
        self._hits.count += 1
        answer = assembled_answer(200, way.head, page, request, set_cookie)
        if answer.status != 200 or page.length > AT_ONCE_BYTES:
            return answer
        self._note_line(now, way, own, request.client, page)
        return b"".join((_OK, answer.lead, b"\r\n", *answer.chunks))

    def _note_line(self, now: float, way: Way, own: Own, client: str, page: Assembled) -> None:
        """Has an answer logged that is counted already."""
        if self._log is not None:
            given = now, "", None, None, way.question, beside_cookies(own), client, way.head, page.length
            self._log([given])

    def _leads_on(self, way: Way, now: float) -> bool:
        """Whether the way leads anywhere still. What is found of that is good for a second at most, after which
        Cache-Status says something else; and not when a view is to be recorded."""
        entry = way.entry
        if now >= entry.fresh_until or self._stored.only(way.key) is not entry:
            return False
        ttl = int(entry.fresh_until - now)
        way.head = way.lead.of_hit(ttl)
        way.beginning = _OK + way.head
        way.since, way.changes = now, self._stored.changes
        way.shown, way.until = NOTHING, -inf
        vouched_until, due_at = self._remembered.looked_until, self._recorder.due_at
        way.is_vouched_for = self._remembered.looked_at <= now < vouched_until
        if now < due_at:
            circumstances, lasting = self._showing.circumstances(way.question.coding, way.said, now)
            way.shown = way.recalled.shown.get(circumstances, NOTHING)
            ends = due_at, entry.fresh_until, vouched_until if way.is_vouched_for else inf
            way.until = min(lasting, entry.fresh_until - ttl, nextafter(min(ends), -inf))
        return True

    def _found(self, way: Way, verified: Verified, now: float) -> tuple[int, Profile | None] | None:
        """The visitor's number, kept with their cookies if it lasts; and their profile. None when that is not in
        memory."""
        visitor, asked, alikes = verified.at(now), way.asked, way.alikes
        profile: Profile | None = None
        known: Known | None = NOBODY
        if asked.needs_profile:
            fresh = self._remembered.fresh(visitor.id, now, has_news=asked.needs_history)
            if fresh is MISSING:
                return None
            profile, known = fresh, self._remembered.basis(visitor.id)
        number = self._number(way, visitor, profile, now)
        if known is not None and number != NO_NUMBER:
            verified.remember(alikes, number, known, now)
        return number, profile

    def _number(self, way: Way, visitor: Visitor, profile: Profile | None, now: float) -> int:
        alikes = way.alikes
        try:
            return alikes.number(alikes.values(visitor, profile, now), visitor, profile, now)
        except Exception:
            return NO_NUMBER  # whoever shows it meets with the same, and counts it
