"""Cache hits for repeated requests: a request that differs from an earlier one only in its visitor and its time is
answered from the record of how that one was answered (`lookups.py`).

Most requests for a hot page are such repeats. The full look-up (`warm.py`) is skipped; checked is only what may have
changed since: the time, the stored entry, the visitor and their consent. Between two requests the CPU's caches are
cold, so the cost is mostly the amount of memory touched.

Its law: the answer is the one that `Warm.hit` would give, or None. Anything unusual gives None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf, nextafter

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from proxy.audience.traits import STRANGER
from proxy.http.message import OwnFields, Question, Request, Response
from proxy.http.outgoing import assembled_answer
from proxy.httpcache.response_cache import ResponseCache
from proxy.metrics import Metrics
from proxy.model import Consent, Profile, Visitor
from proxy.page.encode import AT_ONCE_BYTES, Assembled
from proxy.personalise import Personalised
from proxy.serve.accesslog import AccessLog
from proxy.serve.logline import beside_cookies
from proxy.serve.lookups import NOTHING, Lookup, Lookups
from proxy.serve.pages import Entry
from proxy.serve.plain_hits import PlainHits
from proxy.serve.showing import Showing, Who
from proxy.serve.stored_answers import StoredAnswers
from proxy.visitors.capture import View
from proxy.visitors.equivalence import NO_NUMBER
from proxy.visitors.inputs import Values
from proxy.visitors.known import NOBODY, Known
from proxy.visitors.pending import NOTHING_MORE, ServedFrom
from proxy.visitors.preview import PREVIEWS
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.remembered import MISSING
from proxy.visitors.visitor import ANONYMOUS, NOBODYS, Verified

_OK = STATUS_LINE[200]
_ALL = Consent.PROFILE

Pages = Mapping[int, Personalised]
"""The variants of a page, by the number of their visitors' class."""


class RepeatHits:
    """Answers the repeated requests of one worker from `memory`. `clock` gives Unix seconds. Hits are logged in
    `accesslog`."""

    def __init__(
        self,
        memory: ResponseCache[Entry],
        showing: Showing,
        stored_answers: StoredAnswers,
        profiles: ProfileReader,
        metrics: Metrics,
        clock: Callable[[], float],
        accesslog: AccessLog | None = None,
    ) -> None:
        self._memory = memory
        self._showing = showing
        self._cookies = showing.cookies
        self._verified_by = self._cookies.verified
        self._remembered = profiles.memory
        self._metrics = metrics
        self._hits = metrics.tally("tailorbird_cache_requests_total", "status", "hit")
        self._recorder = showing.recorder
        self._capture = showing.capture
        self._pending = profiles.pending
        self._pending_pages = self._pending.pages
        self._clock = clock
        self._is_logged = accesslog is not None
        if accesslog is not None:
            accesslog.log(profiles.pending)
        self._lookups = Lookups(memory.max_bytes)
        self._lookup_of = self._lookups.get
        self._plain_hits = PlainHits(
            memory, showing, stored_answers, self._pending, metrics, clock, is_logged=self._is_logged
        )
        memory.on_change = self._drop_key

    def learn(self, question: Question, key: bytes, entry: Entry) -> None:
        """Records that the question was answered with the entry under `key`."""
        if entry.template is None or entry.lead is None:
            self._plain_hits.learn(question, key, entry)
        else:
            inputs = self._showing.inputs_of(entry.template)
            consent = self._showing.consents.settled(question.is_private)
            page = self._capture.page_of(question, entry.template.about)
            self._lookups.learn(question, key, entry, inputs, self._showing.classes(inputs), consent, page)

    def forget(self) -> None:
        """Forgets all records."""
        self._lookups.clear()
        self._plain_hits.lookups.clear()

    def _drop_key(self, key: bytes) -> None:
        self._lookups.drop_key(key)
        self._plain_hits.lookups.drop_key(key)

    def answer(self, question: Question, own: OwnFields, client: str) -> bytes | Response | None:
        """The answer to a repeated request, usually as bytes; None when the full look-up is needed."""
        # Locals: calling an instance attribute directly makes Python search the classes for a method first.
        lookup_of, clock, verified_by = self._lookup_of, self._clock, self._verified_by
        lookup = lookup_of(question)
        if lookup is None:
            return self._plain_hits.answer(question, own, client)
        now = clock()
        is_valid = lookup.valid_from <= now <= lookup.valid_until and lookup.memory_changes == self._memory.changes
        if not is_valid and not self._refresh(lookup, now):
            return None
        pages = lookup.pages if not lookup.asks_place else self._pages_there(lookup, question.request(own, client), now)
        cookies = own.get(b"cookie", b"")
        verified = verified_by(cookies, now)
        if (
            verified is None
            or verified is NOBODYS
            or (lookup.consent is not _ALL and self._showing.consents.level(cookies, question.is_private) is not _ALL)
        ):
            return self._answer_unverified(lookup, pages, question, own, client, now, is_nobodys=verified is NOBODYS)
        classes = lookup.classes
        if not classes.is_lasting and self._pending_pages:
            self._remembered.flush_visitor(verified.visitor_id)
        membership = verified.membership
        known = membership.known
        if (
            membership.classes is classes
            and membership.version == known.version
            and known.is_current
            and membership.since <= now < membership.until
            and (lookup.trusts_profiles or abs(now - known.at) < self._remembered.seconds)
        ):
            if known is not NOBODY:
                known.is_used = True
                classes.found.count += 1
            done, found = pages.get(membership.number), None
        elif (found := self._find_number(lookup, verified, now)) is not None:
            done = pages.get(found[0])
        else:
            return None
        if done is None:
            profile = (known if found is None else found[1]).current()
            if not (lookup.pages or lookup.inputs.tells_visitors_apart or lookup.asks_place):
                lookup.valid_until = -inf  # so that the next request looks for the pages made meanwhile
            who, request = Who(verified.at(now), profile), question.request(own, client)
            return self._decide_and_answer(lookup, request, own, who, now)
        self._hits.count += 1
        if lookup.needs_full_view:
            self._capture.note(View(now, question.request(own, client), lookup.template.about, verified.at(now), done))
        source, pieces, pending = lookup.source, done.pieces, self._pending_pages
        more = beside_cookies(own) if len(own) > 1 else NOTHING_MORE
        if pieces is None or b"if-none-match" in more:
            self._metrics.show(now, question.path, done.decided)
            self._pending.add((now, verified.visitor_id, source, done, None, more, client))
            return assembled_answer(200, source.head, done.page, question.request(own, client))
        pending.append((now, verified.visitor_id, source, done, done.page, more, client))
        if (count := len(pending)) == 1 or count >= self._pending.flush_at:
            self._pending.flush_or_schedule()
        pieces[0] = lookup.response_start
        return b"".join(pieces)

    def _pages_there(self, lookup: Lookup, request: Request, now: float) -> Pages:
        """The pages made for visitors in places that are the same to the page's rules."""
        if now >= self._recorder.due_at:
            return NOTHING
        places = lookup.inputs.place_values(self._showing.seen(request, ANONYMOUS, now))
        return self._pages_of(lookup, lookup.request_values + places, now)

    def _pages_of(self, lookup: Lookup, values: Values, now: float) -> dict[int, Personalised]:
        circumstances, _ = self._showing.circumstances(lookup.inputs, lookup.question.coding, values, now)
        return lookup.memo_entry.shown.get(circumstances, NOTHING)

    def _answer_unverified(
        self,
        lookup: Lookup,
        pages: Pages,
        question: Question,
        own: OwnFields,
        client: str,
        now: float,
        *,
        is_nobodys: bool,
    ) -> bytes | Response | None:
        """The answer where the cookies are not verified yet, or are set by this answer."""
        if is_nobodys:
            answer = self._answer_new_visitor(lookup, pages, own, client, now) if lookup.consent is _ALL else None
            if answer is not None:
                return answer
        elif PREVIEWS in own.get(b"cookie", b""):
            return None
        request = question.request(own, client)
        who = self._showing.recognise(lookup.template, request, now)
        if who is None:
            return None
        done = pages.get(self._number(lookup, who.visitor, who.profile, now))
        if done is None:
            return self._decide_and_answer(lookup, request, own, who, now)
        self._showing.tell(lookup.template.about, request, who, now, done)
        return self._compose(lookup, request, own, done.page, who.set_cookie, now)

    def _answer_new_visitor(
        self, lookup: Lookup, pages: Pages, own: OwnFields, client: str, now: float
    ) -> bytes | None:
        """The answer for a visitor without our cookies, if an equivalent visitor was shown the page."""
        if lookup.needs_full_view or not self._showing.gives_cookies or b"if-none-match" in own:
            return None
        visitor, cookie = self._cookies.new_visitor(now)
        number = lookup.new_visitor_class
        if number == NO_NUMBER:
            number = self._number(lookup, visitor, STRANGER, now)
            if not lookup.classes.draws:  # else each new visitor has a number of their own
                lookup.new_visitor_class = number
        done = pages.get(number)
        if done is None or done.pieces is None:
            return None
        self._hits.count += 1
        self._capture.note_first(now, lookup.view_content, visitor.id, done)
        self._pending.add((now, visitor.id, lookup.bare_source, done, done.page, beside_cookies(own), client))
        lines = lookup.response_start, done.page.lines, b"set-cookie: ", cookie, b"\r\n\r\n"
        return b"".join((*lines, *done.page.chunks))

    def _decide_and_answer(
        self, lookup: Lookup, request: Request, own: OwnFields, who: Who, now: float
    ) -> bytes | Response:
        """The answer where no equivalent visitor was shown the page: decides what its slots show."""
        page = self._showing.show(lookup.template, request, who, now, lookup.question.coding, lookup.memo_entry).page
        return self._compose(lookup, request, own, page, who.set_cookie, now)

    def _compose(
        self, lookup: Lookup, request: Request, own: OwnFields, page: Assembled, set_cookie: bytes | None, now: float
    ) -> bytes | Response:
        self._hits.count += 1
        answer = assembled_answer(200, lookup.source.head, page, request, set_cookie)
        if answer.status != 200 or page.length > AT_ONCE_BYTES:
            return answer
        if self._is_logged:
            self._pending.add((now, "", lookup.bare_source, None, page, beside_cookies(own), request.client))
        return b"".join((_OK, answer.lead, b"\r\n", *answer.chunks))

    def _refresh(self, lookup: Lookup, now: float) -> bool:
        """Brings the lookup up to date; False when its entry is stale or no longer stored. It then stays valid for a
        second at most (Cache-Status tells the remaining lifetime in seconds), and not beyond the time at which a view
        is to be recorded."""
        entry = lookup.entry
        if now >= entry.fresh_until or self._memory.single(lookup.key) is not entry:
            return False
        ttl = int(entry.fresh_until - now)
        head = lookup.lead.of_hit(ttl)
        lookup.source = ServedFrom(lookup.question, lookup.view_content, head)
        lookup.bare_source, lookup.response_start = ServedFrom(lookup.question, None, head), _OK + head
        lookup.valid_from, lookup.memory_changes = now, self._memory.changes
        lookup.pages, lookup.valid_until = NOTHING, -inf
        trusted_until, due_at = self._remembered.synced_until, self._recorder.due_at
        lookup.trusts_profiles = self._remembered.synced_at <= now < trusted_until
        if now < due_at:
            _, lasting = self._showing.publication.plan.clock.period(now)
            if not lookup.asks_place:
                lookup.pages = self._pages_of(lookup, lookup.request_values, now)
            ends = due_at, entry.fresh_until, trusted_until if lookup.trusts_profiles else inf
            lookup.valid_until = min(lasting, entry.fresh_until - ttl, nextafter(min(ends), -inf))
        return True

    def _find_number(self, lookup: Lookup, verified: Verified, now: float) -> tuple[int, Known] | None:
        """The number of the visitor's class, kept with their cookies while it holds, and what is known of them; None
        when that is not in memory."""
        visitor, inputs, classes = verified.at(now), lookup.inputs, lookup.classes
        profile: Profile | None = None
        known = NOBODY
        if inputs.needs_profile:
            fresh = self._remembered.fresh(visitor.id, now, has_news=inputs.needs_history, is_folded=False)
            basis = self._remembered.basis(visitor.id)
            if fresh is MISSING or basis is None:
                return None
            profile, known = fresh, basis
        number = self._number(lookup, visitor, profile, now, known)
        if number != NO_NUMBER:
            verified.remember(classes, number, known, now)
        return number, known

    def _number(
        self, lookup: Lookup, visitor: Visitor, profile: Profile | None, now: float, known: Known | None = None
    ) -> int:
        classes = lookup.classes
        if lookup.inputs.tells_visitors_apart:
            return NO_NUMBER  # each is decided for
        try:
            return classes.number(classes.values(visitor, profile, now, known), visitor, profile, now, known)
        except Exception:
            return NO_NUMBER  # `Showing.show` meets the same error, and counts it
