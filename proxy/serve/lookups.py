"""The record of how a request was answered, kept for the next requests in the same words.

Most of a look-up depends on the request's words only: which entry answers, what its slots ask, what the request says of
that. Its law: a record is made only when the answer depends on nothing else but the time, what is stored, the visitor
and their consent; and it is dropped with the rules it was made under.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from proxy.http.message import Question
from proxy.http.outgoing import Lead
from proxy.memo import Memo
from proxy.model import AttributeValue, Consent
from proxy.page.template import Template
from proxy.personalise import Personalised
from proxy.serve.page_memo import PageMemoEntry
from proxy.serve.pages import Entry
from proxy.visitors.asked import Asked
from proxy.visitors.capture import Page
from proxy.visitors.equivalence import NO_NUMBER, EquivalenceClasses
from proxy.visitors.telling import Telling

SHARE = 1 / 32
"""Of `cache_bytes`."""
_LOOKUP_BYTES = 1_500
"""What a lookup takes beside its question. Measured."""
NOTHING: dict[int, Personalised] = {}


@dataclass(slots=True, eq=False)
class Lookup:
    """How one question is answered by a page that is filled.

    * What was found: the stored `entry` under `key`, its `template`, `lead` and what it was shown as (`recalled`); what
      its slots ask (`asked`), the visitors who are alike to them (`classes`), what the request says of that (`said`);
      and what its visitors agreed to (`agreed`), unless their cookies say.
    * When it holds: from `since` up to `until`, while no more than `changes` were made to what is stored. If it
      `is_vouched_for`, remembered profiles are believed for as long.
    * What it gives: an answer has the fields `head` and begins with `beginning`; `shown` has the pages by their
      visitors' numbers, and `newcomers` is the number of all who come for the first time, once that is known. A view of
      it says `telling`, unless each `is_noted_whole`.
    """

    question: Question
    key: bytes
    entry: Entry
    template: Template
    lead: Lead
    recalled: PageMemoEntry
    asked: Asked
    classes: EquivalenceClasses
    said: tuple[AttributeValue | None, ...]
    agreed: Consent | None
    telling: Telling | None
    is_noted_whole: bool
    since: float = inf
    until: float = -inf
    changes: int = -1
    is_vouched_for: bool = False
    head: bytes = b""
    beginning: bytes = b""
    shown: dict[int, Personalised] = field(default_factory=lambda: NOTHING)
    newcomers: int = NO_NUMBER


class Lookups(Memo[Question, Lookup]):
    """The records of one worker under the rules that are live. They keep an entry alive no longer than it is stored."""

    def __init__(self, cache_bytes: int) -> None:
        super().__init__(int(SHARE * cache_bytes))
        self._leading_to: dict[bytes, dict[Question, None]] = {}
        self.get = self.known.get

    def learn(
        self,
        question: Question,
        key: bytes,
        entry: Entry,
        asked: Asked,
        classes: EquivalenceClasses,
        agreed: Consent | None,
        page: Page | None,
    ) -> None:
        """Remembers that the question was answered with the entry under `key`."""
        known = self.known.get(question)
        if known is None or known.entry is not entry:
            lookup = _lookup(question, key, entry, asked, classes, agreed, page)
            if lookup is not None:
                self.put(question, lookup, _LOOKUP_BYTES + question.size)
                self._leading_to.setdefault(key, {})[question] = None

    def drop(self, question: Question) -> None:
        """Forgets the lookup of this question."""
        lookup = self.known.get(question)
        if lookup is not None and (questions := self._leading_to.get(lookup.key)) is not None:
            questions.pop(question, None)
            if not questions:
                del self._leading_to[lookup.key]
        super().drop(question)

    def leave(self, key: bytes) -> None:
        """Forgets those that lead to what was stored under this key."""
        for question in self._leading_to.pop(key, ()):
            self.drop(question)

    def clear(self) -> None:
        """Forgets all."""
        self._leading_to.clear()
        super().clear()


def _lookup(
    question: Question,
    key: bytes,
    entry: Entry,
    asked: Asked,
    classes: EquivalenceClasses,
    agreed: Consent | None,
    page: Page | None,
) -> Lookup | None:
    policy = entry.policy
    template, lead, recalled, (whose, said) = entry.template, entry.lead, entry.recalled, question.said
    if template is None or lead is None or recalled is None or entry.stored.status != 200 or question.method != b"GET":
        return None
    if asked.tells_visitors_apart or whose is not asked or (policy is not None and policy.cookies):
        return None
    return Lookup(
        question,
        key,
        entry,
        template,
        lead,
        recalled,
        asked,
        classes,
        said,
        agreed,
        page and page.telling,
        page is None,
    )
