"""A visitor, what is known of them (`Profile`), what a decision may look at (`EvaluationContext`), and a recorded page
view."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from proxy.model.conditions import Attributes, AttributeValue, Measure, measure_name
from proxy.model.events import Event, Link

Stamp = tuple[float, str]
"""When something was said, and by which event: of two that say it, the one with the larger stamp is believed."""


class Consent(enum.IntEnum):
    """How far a visitor agreed to be known; `visitors/consent.py` says what each level means."""

    NONE = 0
    CONTEXTUAL = 1
    SESSION = 2
    PROFILE = 3


class Membership(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What an outside system last said about a visitor and one of its own segments: `at` and by which event `id`,
    whether they are in it, and the segment's `name` as it was written."""

    at: float
    id: str
    is_in: bool
    name: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What the store knows of a visitor.

    * `attributes`: by name, a text, number, truth value or set of texts.
    * `history`: events in order, bounded by `events/fold.py`.
    * `links`: by visitor id, the devices or the person it is joined with (`audience/identity.py`).
    * `segments`: those that outside systems have the visitor in.
    * `bucket_key`: what chance draws the visitor by, "" for their id. A join keeps the key of the older profile, so
      that nobody changes arms by logging in.

    Where attributes and segments come from, so that events may come in any order:

    * `told`: stamps of the attributes that events told; `imported`: the stamp of the import the others come from.
    * `hidden`: what that import said of attributes that events told since.
    * `lent`: attributes told by a device only, over which the person's own word goes.
    * `listed`: segments an import listed; `outside`: by casefolded name, what events last said of a segment.

    `remembered` is a cache of what was read off the history, and no part of the value.
    """

    visitor_id: str
    attributes: Attributes = field(default_factory=dict)
    segments: frozenset[str] = frozenset()
    updated_at: float = 0.0
    history: tuple[Event, ...] = ()
    bucket_key: str = ""
    told: Mapping[str, Stamp] = field(default_factory=dict, compare=False)
    imported: Stamp = field(default=(0.0, ""), compare=False)
    hidden: Attributes = field(default_factory=dict, compare=False)
    remembered: dict[object, object] = field(init=False, default_factory=dict, repr=False, compare=False)
    links: Mapping[str, Link] = field(default_factory=dict)
    lent: frozenset[str] = field(default=frozenset(), compare=False)
    listed: frozenset[str] = field(default=frozenset(), compare=False)
    outside: Mapping[str, Membership] = field(default_factory=dict, compare=False)

    @property
    def alias(self) -> str:
        """The person whose device this visitor is; "" for who is nobody's."""
        mine = [(link, id) for id, link in self.links.items() if not link.is_device and not link.is_parted]
        return min(mine)[1] if mine else ""

    @property
    def devices(self) -> dict[str, Link]:
        """The devices of this person, by their visitor ids."""
        return {id: link for id, link in self.links.items() if link.is_device and not link.is_parted}


class Visitor(msgspec.Struct, frozen=True):
    """Who a request says it is, after its cookies were verified. An id of "" is anonymous: no valid cookie came, or it
    may not be used. `unverified` are segments from an unsigned cookie an operator allowed by name."""

    id: str = ""
    first_seen_at: float = 0.0
    segments: frozenset[str] = frozenset()
    unverified: frozenset[str] = frozenset()
    consent: Consent = Consent.PROFILE


def nothing_read(measure: Measure) -> AttributeValue | None:
    """Reads a measure where there is no history: unknown."""
    return None


class EvaluationContext(msgspec.Struct, frozen=True):
    """All that a decision may know. `targeting_key` is the visitor id, "" for the anonymous; `now` Unix seconds.

    `attributes` holds only what is known; its keys are those of `conditions/vocabulary.py`, and the bare names of
    profile attributes. `unverified` names segments that nobody signed: they never satisfy `needs: verified`.
    `bucket_key` is what chance is drawn by, so that a visitor keeps their arm after a login; "" is the targeting key.
    `read` reads a measure off the visitor's history at `now`; it is called only for the caps of rules about to be
    shown. `history` is that history, for product recommendations, `remembered` the profile's cache. `consent` tells why
    something is not known.
    """

    targeting_key: str = ""
    now: float = 0.0
    attributes: Attributes = msgspec.field(default_factory=dict)
    channel: str = "web"
    unverified: frozenset[str] = frozenset()
    bucket_key: str = ""
    read: Callable[[Measure], AttributeValue | None] = nothing_read
    history: tuple[Event, ...] = ()
    remembered: dict[object, object] = msgspec.field(default_factory=dict)
    consent: Consent = Consent.PROFILE


class View(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page as it was decided for a visitor: what deciding it again takes, and what it showed.

    `shown` has for each slot, in page order, what `shown_name` calls its decision. `attributes` are those that were
    known; `unknown` names those that were asked for and not known. What stands in neither was not recorded. `readings`
    are what caps read, by `measure_name`; None where there was nothing to read.
    """

    at: float
    version: str
    shown: dict[str, str]
    attributes: dict[str, AttributeValue] = {}
    unknown: tuple[str, ...] = ()
    visitor: str = ""
    unverified: frozenset[str] = frozenset()
    channel: str = "web"
    bucket_key: str = ""
    readings: dict[str, AttributeValue | None] = {}

    @property
    def context(self) -> EvaluationContext:
        """What deciding may know."""
        return EvaluationContext(
            self.visitor,
            self.at,
            self.attributes,
            self.channel,
            self.unverified,
            self.bucket_key,
            lambda measure: self.readings.get(measure_name(measure)),
        )
