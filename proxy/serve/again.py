"""Repeated requests: answers a request by the record (`lookups.py`) of what was done for an earlier one in the same
words.

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
from proxy.serve.lookups import NOTHING, Lookup, Lookups
from proxy.serve.pages import Entry
from proxy.serve.showing import Met, Showing
from proxy.visitors.capture import Capture, View
from proxy.visitors.equivalence import NO_NUMBER
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
        self._lookups = Lookups(memory.max_bytes)
        self._lookup_of = self._lookups.get
        self.forget = self._lookups.clear
        memory.changed = self._lookups.leave

    def learn(self, question: Question, key: bytes, entry: Entry) -> None:
        """Remembers that the question was answered with the entry under `key`."""
        if entry.template is not None:
            asked = self._showing.asked_by(entry.template)
            agreed = self._showing.consents.settled(question.is_private)
            page = self._capture.page_of(question, entry.template.about)
            self._lookups.learn(question, key, entry, asked, self._showing.classes(asked), agreed, page)

    def answer(self, question: Question, own: Own, client: str) -> bytes | Response | None:
        """The answer for one more who asks the same, mostly as it is written; None when it has to be looked up."""
        # What is called as it is looked up is taken for a method, and looked for in all classes.
        lookup_of, clock, verified_by = self._lookup_of, self._clock, self._verified_by
        lookup = lookup_of(question)
        if lookup is None:
            return None
        now = clock()
        is_as_before = lookup.since <= now <= lookup.until and lookup.changes == self._stored.changes
        if not (is_as_before or self._leads_on(lookup, now)):
            return None
        cookies = own.get(b"cookie", b"")
        verified = verified_by(cookies, now)
        if verified is None or (
            lookup.agreed is not _ALL and self._showing.consents.level(cookies, question.is_private) is not _ALL
        ):
            return self._newly(lookup, question, own, client, now)
        classes = lookup.classes
        if not classes.is_lasting and self._untold:
            self._remembered.settle_of(verified.visitor_id)
        numbered = verified.numbered
        known = numbered.known
        if (
            numbered.classes is classes
            and numbered.version == known.version
            and known.is_current
            and numbered.since <= now < numbered.until
            and (lookup.is_vouched_for or abs(now - known.at) < self._remembered.seconds)
        ):
            known.is_used = True
            classes.found.count += 1
            done, found = lookup.shown.get(numbered.number), None
        elif (found := self._found(lookup, verified, now)) is not None:
            done = lookup.shown.get(found[0])
        else:
            return None
        if done is None:
            profile = known.current() if found is None else found[1]
            if not lookup.shown:
                lookup.until = -inf  # what the page was shown as may be known from now on
            return self._anew(lookup, question.request(own, client), own, Met(verified.at(now), profile), now)
        self._hits.count += 1
        if lookup.is_noted_whole:
            self._capture.note(View(now, question.request(own, client), lookup.template.about, verified.at(now), done))
        pieces, more = done.pieces, beside_cookies(own) if len(own) > 1 else NOTHING_MORE
        if pieces is None or b"if-none-match" in more:
            self._metrics.show(now, question.path, done.decided)
            self._pending.add((now, verified.visitor_id, lookup.telling, done, question, more, client, b"", 0))
            return assembled_answer(200, lookup.head, done.page, question.request(own, client))
        pieces[0] = lookup.beginning
        answer = b"".join(pieces)
        length, given = len(answer) - len(pieces[0]) - len(pieces[1]), self._untold
        given.append((now, verified.visitor_id, lookup.telling, done, question, more, client, lookup.head, length))
        if (many := len(given)) == 1 or many >= self._pending.enough:
            self._pending.tend()
        return answer

    def _newly(self, lookup: Lookup, question: Question, own: Own, client: str, now: float) -> bytes | Response | None:
        """The same for somebody whose cookies have to be read, or who gets theirs with this page."""
        cookies = own.get(b"cookie", b"")
        if PREVIEWS in cookies:
            return None
        if lookup.agreed is _ALL and self._cookies.is_nobodys(cookies):
            given = self._welcomed(lookup, own, client, now)
            if given is not None:
                return given
        request = question.request(own, client)
        met = self._showing.meet(lookup.template, request, now)
        if met is None:
            return None
        done = lookup.shown.get(self._number(lookup, met.visitor, met.profile, now))
        if done is None:
            return self._anew(lookup, request, own, met, now)
        self._metrics.show(now, request.path, done.decided)
        if self._capture.is_on:
            is_first = met.set_cookie is not None
            self._capture.note(View(now, request, lookup.template.about, met.visitor, done, is_first))
        return self._given(lookup, request, own, done.page, met.set_cookie, now)

    def _welcomed(self, lookup: Lookup, own: Own, client: str, now: float) -> bytes | None:
        """The same for somebody who has none of our cookies, if others like them were shown the page."""
        if lookup.is_noted_whole or not self._showing.gives_cookies or b"if-none-match" in own:
            return None
        visitor, cookie = self._cookies.new_visitor(now)
        number = lookup.newcomers
        if number == NO_NUMBER:
            number = self._number(lookup, visitor, STRANGER, now)
            if not lookup.classes.draws:  # else each has another
                lookup.newcomers = number
        done = lookup.shown.get(number)
        if done is None or done.pieces is None:
            return None
        self._hits.count += 1
        self._metrics.show(now, lookup.question.path, done.decided)
        self._capture.note_first(now, lookup.telling, visitor.id, done)
        self._note_line(now, lookup, own, client, done.page)
        lines = lookup.beginning, done.page.lines, b"set-cookie: ", cookie, b"\r\n\r\n"
        return b"".join((*lines, *done.page.chunks))

    def _anew(self, lookup: Lookup, request: Request, own: Own, met: Met, now: float) -> bytes | Response:
        """What nobody alike was shown, as far as is known."""
        page = self._showing.show(lookup.template, request, met, now, lookup.question.coding, lookup.recalled).page
        return self._given(lookup, request, own, page, met.set_cookie, now)

    def _given(
        self, lookup: Lookup, request: Request, own: Own, page: Assembled, set_cookie: bytes | None, now: float
    ) -> bytes | Response:
        self._hits.count += 1
        answer = assembled_answer(200, lookup.head, page, request, set_cookie)
        if answer.status != 200 or page.length > AT_ONCE_BYTES:
            return answer
        self._note_line(now, lookup, own, request.client, page)
        return b"".join((_OK, answer.lead, b"\r\n", *answer.chunks))

    def _note_line(self, now: float, lookup: Lookup, own: Own, client: str, page: Assembled) -> None:
        """Has an answer logged that is counted already."""
        if self._log is not None:
            given = now, "", None, None, lookup.question, beside_cookies(own), client, lookup.head, page.length
            self._log([given])

    def _leads_on(self, lookup: Lookup, now: float) -> bool:
        """Whether the way leads anywhere still. What is found of that is good for a second at most, after which
        Cache-Status says something else; and not when a view is to be recorded."""
        entry = lookup.entry
        if now >= entry.fresh_until or self._stored.only(lookup.key) is not entry:
            return False
        ttl = int(entry.fresh_until - now)
        lookup.head = lookup.lead.of_hit(ttl)
        lookup.beginning = _OK + lookup.head
        lookup.since, lookup.changes = now, self._stored.changes
        lookup.shown, lookup.until = NOTHING, -inf
        vouched_until, due_at = self._remembered.looked_until, self._recorder.due_at
        lookup.is_vouched_for = self._remembered.looked_at <= now < vouched_until
        if now < due_at:
            circumstances, lasting = self._showing.circumstances(lookup.question.coding, lookup.said, now)
            lookup.shown = lookup.recalled.shown.get(circumstances, NOTHING)
            ends = due_at, entry.fresh_until, vouched_until if lookup.is_vouched_for else inf
            lookup.until = min(lasting, entry.fresh_until - ttl, nextafter(min(ends), -inf))
        return True

    def _found(self, lookup: Lookup, verified: Verified, now: float) -> tuple[int, Profile | None] | None:
        """The visitor's number, kept with their cookies if it lasts; and their profile. None when that is not in
        memory."""
        visitor, asked, classes = verified.at(now), lookup.asked, lookup.classes
        profile: Profile | None = None
        known: Known | None = NOBODY
        if asked.needs_profile:
            fresh = self._remembered.fresh(visitor.id, now, has_news=asked.needs_history)
            if fresh is MISSING:
                return None
            profile, known = fresh, self._remembered.basis(visitor.id)
        number = self._number(lookup, visitor, profile, now)
        if known is not None and number != NO_NUMBER:
            verified.remember(classes, number, known, now)
        return number, profile

    def _number(self, lookup: Lookup, visitor: Visitor, profile: Profile | None, now: float) -> int:
        classes = lookup.classes
        try:
            return classes.number(classes.values(visitor, profile, now), visitor, profile, now)
        except Exception:
            return NO_NUMBER  # whoever shows it meets with the same, and counts it
