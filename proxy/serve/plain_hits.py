"""Cache hits for repeated requests whose answer is the same for everybody: a page without slots, a style sheet, a
script. As in `repeat_hits.py`, the full look-up is skipped, and only what may have changed since is checked.

Its law: the answer is the one that `Warm.hit` would give, or None. Anything unusual gives None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, nextafter

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from proxy.http.message import OwnFields, Question, as_lines
from proxy.http.outgoing import hit
from proxy.httpcache.response_cache import ResponseCache
from proxy.metrics import Metrics, Tally
from proxy.model import Consent
from proxy.page.encode import AT_ONCE_BYTES, Assembled
from proxy.serve.logline import beside_cookies
from proxy.serve.lookups import SHARE, MemoByKey
from proxy.serve.pages import Entry
from proxy.serve.showing import Showing
from proxy.serve.stored_answers import StoredAnswers
from proxy.visitors.capture import View
from proxy.visitors.pending import Pending, ServedFrom
from proxy.visitors.preview import PREVIEWS
from proxy.visitors.view_content import ViewContent
from proxy.visitors.visitor import NOBODYS

_LOOKUP_BYTES = 1_800
"""The memory of a lookup beside its question. Measured."""
_IN_QUESTIONS = frozenset({b"accept-encoding"})
"""Fields by which entries may differ that are the same in all requests of a question."""
_OK = STATUS_LINE[200]


@dataclass(slots=True, eq=False)
class PlainLookup:
    """How one question is answered with the `entry` under `key`: with the bytes of `start` and `chunks`, from
    `valid_from` up to and including `valid_until`, as long as the cache has made no more than `memory_changes`, and
    there are no more than so many `codings` of the body. Without a `start` the answer is too long for one write.

    `view_content` is what a view of the page tells, unless each has to be worked out (`needs_full_view`); `source` has
    it, `bare_source` has not. `results` counts the answers.
    """

    question: Question
    key: bytes
    entry: Entry
    view_content: ViewContent | None
    needs_full_view: bool
    results: Tally
    valid_from: float = inf
    valid_until: float = -inf
    memory_changes: int = -1
    codings: int = -1
    start: bytes = b""
    body: Assembled = field(init=False)
    source: ServedFrom = field(init=False)
    bare_source: ServedFrom = field(init=False)


class PlainHits:
    """Answers the repeated requests of one worker from `memory`. `clock` gives Unix seconds."""

    def __init__(
        self,
        memory: ResponseCache[Entry],
        showing: Showing,
        stored_answers: StoredAnswers,
        pending: Pending,
        metrics: Metrics,
        clock: Callable[[], float],
        *,
        is_logged: bool,
    ) -> None:
        self._memory = memory
        self._stored_answers = stored_answers
        self._cookies, self._consents, self._capture = showing.cookies, showing.consents, showing.capture
        self._pending = pending
        self._hits = metrics.tally("tailorbird_cache_requests_total", "status", "hit")
        self._clock = clock
        self._is_logged = is_logged
        self.lookups: MemoByKey[PlainLookup] = MemoByKey(int(SHARE * memory.max_bytes))

    def learn(self, question: Question, key: bytes, entry: Entry) -> None:
        """Records that the question was answered with the entry under `key`."""
        known, policy = self.lookups.get(question), entry.policy
        if (
            (known is not None and known.entry is entry)
            or entry.stored.status != 200
            or question.method != b"GET"
            or b"range" in question.firsts
            or (policy is not None and policy.cookies)
        ):
            return
        about = None if entry.template is None else entry.template.about
        page = None if about is None else self._capture.page_of(question, about)
        lookup = PlainLookup(
            question,
            key,
            entry,
            page and page.view_content,
            page is None and about is not None,
            self._stored_answers.results_of(entry),
        )
        self.lookups.keep(question, lookup, _LOOKUP_BYTES + question.size)

    def answer(self, question: Question, own: OwnFields, client: str) -> bytes | None:
        """The answer to a repeated request; None when the full look-up is needed."""
        lookup = self.lookups.get(question)
        if lookup is None or b"if-none-match" in own or b"if-modified-since" in own:
            return None
        cookies, now, packed = own.get(b"cookie", b""), self._clock(), lookup.entry.packed
        is_valid = (
            lookup.valid_from <= now <= lookup.valid_until
            and lookup.memory_changes == self._memory.changes
            and (packed is None or lookup.codings == len(packed.codings))
        )
        if PREVIEWS in cookies or (not is_valid and not self._refresh(lookup, now)) or not lookup.start:
            return None
        self._hits.count += 1
        lookup.results.count += 1
        visitor_id = self._viewer(lookup, question, own, client, now)
        if visitor_id or self._is_logged:
            source = lookup.source if visitor_id else lookup.bare_source
            self._pending.add((now, visitor_id, source, None, lookup.body, beside_cookies(own), client))
        return b"".join((lookup.start, *lookup.body.chunks))

    def _viewer(self, lookup: PlainLookup, question: Question, own: OwnFields, client: str, now: float) -> str:
        """The id of the visitor whose view of the page is counted with others; "" if it is not, or was already."""
        cookies = own.get(b"cookie", b"")
        if not lookup.needs_full_view:
            if lookup.view_content is None:
                return ""
            verified = self._cookies.verified(cookies, now)
            if verified is NOBODYS:
                return ""
            if verified is not None and self._consents.level(cookies, question.is_private) is Consent.PROFILE:
                return verified.visitor_id
        if lookup.entry.template is not None:
            self._capture.note(View(now, question.request(own, client), lookup.entry.template.about, None))
        return ""

    def _refresh(self, lookup: PlainLookup, now: float) -> bool:
        """Brings the lookup up to date; False when its entry is stale, no longer stored, or chosen by fields that are
        no part of a question. It then stays valid for a second at most: Age and Cache-Status tell seconds."""
        entry, request = lookup.entry, lookup.question.request({}, "")
        if now >= entry.fresh_until or self._memory.get(lookup.key, request) is not entry:
            return False
        if not self._memory.varying_names(lookup.key) <= _IN_QUESTIONS:
            return False
        lookup.valid_from, lookup.memory_changes = now, self._memory.changes
        lookup.codings = -1 if entry.packed is None else len(entry.packed.codings)
        ttl, age = int(entry.fresh_until - now), int(entry.stored.age(now))
        older = nextafter(entry.stored.received_at + age + 1 - entry.stored.initial_age, -inf)
        lookup.valid_until = min(entry.fresh_until - ttl, older, nextafter(entry.fresh_until, -inf))
        answer = self._stored_answers.plain(entry, request, now, hit(ttl))
        head, length = as_lines(answer.headers), sum(map(len, answer.chunks))
        lookup.start = _OK + head + b"\r\n" if len(_OK) + len(head) + 2 + length <= AT_ONCE_BYTES else b""
        lookup.body = Assembled(answer.chunks, length, b"", "identity")
        lookup.source = ServedFrom(lookup.question, lookup.view_content, head)
        lookup.bare_source = ServedFrom(lookup.question, None, head)
        return True
