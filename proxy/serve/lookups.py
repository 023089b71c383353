"""Lookups: records of how a request was answered from the cache, kept for later requests with the same question.

Most steps of answering depend only on the question (the request without its visitor's own fields): which entry answers,
what its slots depend on, which values the request has. Its law: a lookup is made only when the answer depends on
nothing else but the time, what is stored, the visitor and their consent; and it is dropped with the rules it was made
under.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Protocol, TypeVar

from proxy.http.message import Question
from proxy.http.outgoing import Lead
from proxy.memo import Memo
from proxy.model import AttributeValue, Consent
from proxy.page.template import Template
from proxy.personalise import Personalised
from proxy.serve.page_memo import PageMemoEntry
from proxy.serve.pages import Entry
from proxy.visitors.capture import Page
from proxy.visitors.equivalence import NO_NUMBER, EquivalenceClasses
from proxy.visitors.inputs import Inputs
from proxy.visitors.pending import ServedFrom
from proxy.visitors.view_content import ViewContent

SHARE = 1 / 32
"""The share of `cache_bytes` that lookups may take."""
_LOOKUP_BYTES = 1_500
"""The memory of a lookup beside its question. Measured."""
NOTHING: dict[int, Personalised] = {}


@dataclass(slots=True, eq=False)
class Lookup:
    """How one question is answered by a page with slots.

    * Found once: the stored `entry` under `key`, with its `template`, its `lead` and its pages made before
      (`memo_entry`); what its slots depend on (`inputs`), with the values that the request has (`request_values`) and
      the equivalence classes of visitors (`classes`); the `consent` of all visitors, None where it depends on their
      cookies; what a view of the page tells (`view_content`), unless each view has to be worked out
      (`needs_full_view`).
    * Valid from `valid_from` up to and including `valid_until`, as long as the cache has made no more than
      `memory_changes`. If it `trusts_profiles`, remembered profiles are fresh for as long.
    * Used by answers: what they have in common (`source`; `bare_source` without the view, where that is counted
      elsewhere), the `response_start` (status line and header fields), and the `pages` made, by the number of their
      visitors' class; `new_visitor_class` is that of all new visitors, once it is known. Where the
      slots tell visitors apart, both stay empty: each visitor is decided for. So do the `pages` where slots ask for the
      visitor's place (`asks_place`): they are looked up for each request.
    """

    question: Question
    key: bytes
    entry: Entry
    template: Template
    lead: Lead
    memo_entry: PageMemoEntry
    inputs: Inputs
    classes: EquivalenceClasses
    request_values: tuple[AttributeValue | None, ...]
    consent: Consent | None
    view_content: ViewContent | None
    needs_full_view: bool
    asks_place: bool = False
    valid_from: float = inf
    valid_until: float = -inf
    memory_changes: int = -1
    trusts_profiles: bool = False
    source: ServedFrom = field(init=False)
    bare_source: ServedFrom = field(init=False)
    response_start: bytes = b""
    pages: dict[int, Personalised] = field(default_factory=lambda: NOTHING)
    new_visitor_class: int = NO_NUMBER


class HasKey(Protocol):
    """What was found under a key of the cache."""

    @property
    def key(self) -> bytes: ...


L = TypeVar("L", bound=HasKey)


class MemoByKey(Memo[Question, L]):
    """Lookups by question. An entry that leaves the cache leaves here, too."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(most_bytes)
        self._questions_by_key: dict[bytes, dict[Question, None]] = {}
        self.get = self.known.get

    def keep(self, question: Question, lookup: L, size: int) -> None:
        """Adds a lookup of `size` bytes."""
        self.put(question, lookup, size)
        self._questions_by_key.setdefault(lookup.key, {})[question] = None

    def drop(self, question: Question) -> None:
        """Drops the lookup of this question."""
        lookup = self.known.get(question)
        if lookup is not None and (questions := self._questions_by_key.get(lookup.key)) is not None:
            questions.pop(question, None)
            if not questions:
                del self._questions_by_key[lookup.key]
        super().drop(question)

    def drop_key(self, key: bytes) -> None:
        """Drops the lookups that lead to what was stored under this key."""
        for question in self._questions_by_key.pop(key, ()):
            self.drop(question)

    def clear(self) -> None:
        """Drops all lookups."""
        self._questions_by_key.clear()
        super().clear()


class Lookups(MemoByKey[Lookup]):
    """The lookups of one worker under the live rules."""

    def __init__(self, cache_bytes: int) -> None:
        super().__init__(int(SHARE * cache_bytes))

    def learn(
        self,
        question: Question,
        key: bytes,
        entry: Entry,
        inputs: Inputs,
        classes: EquivalenceClasses,
        consent: Consent | None,
        page: Page | None,
    ) -> None:
        """Records that the question was answered with the entry under `key`, where that depends on nothing else."""
        known, template, policy = self.known.get(question), entry.template, entry.policy
        whose, request_values = question.request_values
        is_known = known is not None and known.entry is entry
        is_usual = entry.stored.status == 200 and question.method == b"GET" and not (policy and policy.cookies)
        if is_known or not is_usual or whose is not inputs:
            return
        if template is None or entry.lead is None or entry.memo_entry is None:
            return
        lookup = Lookup(
            question,
            key,
            entry,
            template,
            entry.lead,
            entry.memo_entry,
            inputs,
            classes,
            request_values,
            consent,
            page and page.view_content,
            page is None,
            bool(inputs.of_place),
        )
        self.keep(question, lookup, _LOOKUP_BYTES + question.size)
