"""A policy that `tailorbird doctor` proposes, and its text as a part of cache.yaml. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proxy.page.holes import Hole, IfMissing
from proxy.rulebook.policy import PagePolicy

TOKEN_PATH = "/csrf"  # noqa: S105
"""Where a shop might answer the token of whoever asks, and nothing else: whoever runs it says where it does."""
_PLAIN = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)


@dataclass(frozen=True)
class Proposal:
    """A policy with its explanation. `unsolved` are the reasons why it cannot make the page cacheable for all;
    `with_help` is a policy that could, if the shop had an address for its tokens. `has_forms`: the page sends forms."""

    policy: PagePolicy
    unsolved: tuple[str, ...] = ()
    overruled: tuple[str, ...] = ()
    with_help: Proposal | None = None
    has_forms: bool = False

    @property
    def text(self) -> str:
        """The policy as a part of cache.yaml."""
        return "\n".join([f"  - path: {quoted(self.policy.pattern)}", *(f"    {line}" for line in self._lines()), ""])

    def _lines(self) -> Iterator[str]:
        if self.unsolved:
            yield from (f"# {reason}" for reason in self.unsolved)
            yield "store: no"
            if self.with_help:
                yield f"# Where the shop answers the bare token of whoever asks, at {TOKEN_PATH} say, instead of that:"
                yield from (f"# {line}" for line in self.with_help._lines())
            return
        overrides, cookies = self.policy.overrides, self.policy.overrides.cookies
        roles = {*cookies.own, *cookies.ignored} if cookies else set[str]()
        if overrides.fresh_seconds is not None:
            yield from ("fresh: 1 minute", "while renewing: 30 seconds", "if down: 1 hour")
        if self.overruled:
            words = ", ".join(self.overruled)
            yield f"# The shop says {words}. If you know that the page is the same for everybody:"
            yield f"# despite: [{words}]"
        if cookies is not None:
            yield "cookies:"
            if cookies.ignored:
                yield "  # Right where the page shows nothing of it, as a name or a cart; else write `own:`."
                yield f"  ignore: {listed(cookies.ignored)}"
            else:
                yield "  # Whoever has a cookie that is not named here asks the shop as themselves, too."
                yield f"  own: {listed(cookies.own)}"
        if self.has_forms and overrides.fresh_seconds is not None:
            yield "# forms change it: no   # if what its forms send changes nothing in it, as for a cart"
        if lost := set(overrides.dropped_cookies) - {hole.fill.source for hole in self.policy.holes} - roles:
            yield f"# Kept pages do not set {', '.join(sorted(lost))}. If visitors need it, leave the page theirs."
        if overrides.dropped_cookies:
            yield f"drop set-cookie: {listed(overrides.dropped_cookies)}"
        if self.policy.holes:
            yield "holes:"
        for hole in self.policy.holes:
            yield f"  - find: {quoted(hole.selector)}"
            yield from (f"    {line}" for line in _hole_lines(hole))


def _hole_lines(hole: Hole) -> Iterator[str]:
    yield f"attribute: {hole.attribute}"
    yield f"fill: {hole.fill.kind} {hole.fill.source}".rstrip()
    if hole.fill.if_missing is not IfMissing.ASK:
        yield f"without cookie: {hole.fill.if_missing}"


def quoted(text: str) -> str:
    """The text as YAML has it."""
    return text if re.fullmatch(r"[/A-Za-z_][\w./-]*", text, re.ASCII) else json.dumps(text)


def listed(names: Sequence[str]) -> str:
    """The names as a list in YAML."""
    return "[" + ", ".join(name if _PLAIN.fullmatch(name) else json.dumps(name) for name in names) + "]"
