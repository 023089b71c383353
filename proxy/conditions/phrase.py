"""The type of a phrase of the vocabulary: a word that an editor may begin a line with, and its properties."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from proxy.model import Measure, Test

MOST_READ = 1_024
"""Values of a phrase of which it is remembered what they ask: rules ask the same again and again."""


class Kind(enum.StrEnum):
    """The type of an attribute's values, and so the forms that fit it. Those up to `HOURS` may be declared in
    `attributes.yaml`."""

    TEXT = "text"
    NUMBER = "number"
    TRUTH = "truth"
    SET = "set"
    DATE = "date"  # a date, or a date and time, as ISO 8601 writes it
    VERSION = "version"  # 2.10.1
    PLACE = "place"  # 52.09, 5.12
    NAME = "name"  # of a city or region, however it is spelt
    HOURS = "hours"
    ANYTHING = "anything"  # brought by an import, so nobody said


PATH = r"/(?!.*[\s,]/)[^?#*]*"
"""A path, and not several of them with a word between, as `/sale or /new`."""
PATH_HINT = "begin with a slash, as /shoes; for everything below it: starts with /shoes"
"""What a page's path looks like."""
SITE = r"(?!(?i:www)\.)[\w-]+(\.[\w-]+)+"
"""The name of a site."""

TRUTHS = ("yes", "no", "true", "false")
"""How a truth may be written."""


def site_name(host: str) -> str:
    """A host as people write it: `xn--mnchen-3ya.example` is `münchen.example`."""
    try:
        return ".".join(
            part[4:].encode().decode("punycode") if part.startswith("xn--") else part for part in host.split(".")
        )
    except ValueError:
        return host


AS_READ: dict[str, Callable[[str], str]] = {PATH: unquote, SITE: site_name}
"""How what is copied from a browser's address bar, in code, is read, by the `shape` of a phrase."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase and all that is to know of it.

    `key` is what an editor writes, `attribute` its name in `EvaluationContext.attributes`. `choices` are the only
    values it takes, `shape` a regular expression that its values match, `hint` how to mend one that does not fit.
    `parts` are the words that may stand under it, () when any may; each is an attribute of its own, `attribute.part`.
    `example` and `wrong` are conditions that are clean and that give the finding `wrong_code`. A phrase whose value is
    read off the visitor's history has a `measure`; one with parts too is an action, whose parts all say more of it.
    `timezone` is the zone that its dates are read in.
    """

    key: str
    attribute: str
    kind: Kind
    help: str
    example: str = ""
    wrong: str = ""
    wrong_code: str = ""
    choices: tuple[str, ...] = ()
    shape: str = ""
    hint: str = ""
    parts: tuple[str, ...] | None = None
    stands_alone: bool = True
    measure: Measure | None = None
    timezone: str = "UTC"
    read: dict[str, Test] = field(default_factory=dict, init=False, repr=False, compare=False)
    """A memory only: what values ask that had nothing wrong."""

    def __post_init__(self) -> None:
        if self.kind is Kind.TRUTH:  # the same words for all of them
            object.__setattr__(self, "choices", TRUTHS)
            object.__setattr__(self, "hint", "write yes or no")

    @property
    def is_trait(self) -> bool:
        """Whether an import may bring it too: it is read off the history, and a single value."""
        return self.measure is not None and self.parts is None
