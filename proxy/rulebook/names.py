"""The names that a folder defines. For a name that is not among them, the most similar one is suggested."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from proxy.conditions.nodes import Scalar
from proxy.conditions.phrase import Kind, Phrase
from proxy.conditions.values import folded
from proxy.diagnostics import Finding, did_you_mean, nearest
from proxy.model import Place
from proxy.page.slots import LISTING

NEARLY = 0.85
"""How alike two names are of which one is a slip of the pen: `serch` and `search` are, `shoes` and `shoes-sale` not."""

IDENTIFIED = ("first name", "last name")
"""What a login tells, declared or not."""

MOST_SEEN = 20
"""So many of the site's slots are listed for each that is not there."""


@dataclass(frozen=True, slots=True)
class Names:
    """All names that rules may use: words of conditions with the segments among them, slots, and the lists of
    `slots.yaml`."""

    words: Mapping[str, Phrase]
    slots: tuple[str, ...]
    lists: tuple[str, ...] = ()

    def at(self, timezone: str) -> Names:
        """The same, with dates read in a time zone."""
        dated = {
            key: replace(phrase, timezone=timezone) for key, phrase in self.words.items() if phrase.kind is Kind.DATE
        }
        return replace(self, words={**self.words, **dated})

    def slot(self, name: Scalar, findings: list[Finding]) -> str:
        """The slot's name; R301 when `slots.yaml` does not have it."""
        if name.text not in self.slots:
            if (listed := name.text.removeprefix(LISTING)) in self.lists:
                help = f"it is a list: for a rule write `listing: {listed}`, elsewhere `{LISTING}{listed}`"
            elif nearest(name.text, self.slots):
                help = did_you_mean(name.text, self.slots)
            else:
                help = f"where your pages have it, write `{name.text}: {{}}` under `slots:` in slots.yaml"
            more = f" and {len(self.slots) - MOST_SEEN} others" if len(self.slots) > MOST_SEEN else ""
            note = f"slots seen on your site: {', '.join(self.slots[:MOST_SEEN])}{more}" if self.slots else ""
            findings.append(Finding("R301", f'no page has a slot "{name.text}"', name.place, help, note))
        return name.text

    def listing(self, name: Scalar, findings: list[Finding]) -> str:
        """The list's name. A page may have a `data-list` that is not declared, so R301 is a warning, and only for a
        name that nearly equals one in `slots.yaml`, or is that of a slot."""
        close = nearest(name.text, self.lists, NEARLY)
        if close and name.text not in self.lists:
            what, help = f'slots.yaml has no list "{name.text}"', did_you_mean(name.text, [close])
            findings.append(Finding("R301", what, name.place, help, is_warning=True))
        elif name.text in self.slots and name.text not in self.lists:
            what, help = f'"{name.text}" is a slot, and no list', "in slots.yaml, put it under `listings:`"
            findings.append(Finding("R301", what, name.place, help, is_warning=True))
        return name.text


def twice(what: str, named: Iterable[tuple[str, Place]]) -> list[Finding]:
    """R201 for each name that is taken already, compared as conditions do."""
    findings: list[Finding] = []
    first: dict[str, Place] = {}
    for name, place in named:
        taken = first.setdefault(folded(name), place)
        if taken is not place:
            where = f"on line {taken.line}" if taken.file == place.file else f"in {taken.file} on line {taken.line}"
            help, note = "give one of them another name", f"the other one is {where}"
            findings.append(Finding("R201", f'two {what} are called "{name}"', place, help, note))
    return findings
