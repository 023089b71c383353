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
"""The time and the id of the event that set a value: of two events that set it, the one with the larger stamp wins."""


class Consent(enum.IntEnum):
    """How far a visitor agreed to be known; `visitors/consent.py` says what each level means."""

    NONE = 0
    CONTEXTUAL = 1
    SESSION = 2
    PROFILE = 3


class Membership(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Whether a visitor is in a segment of an outside system, by the newest event about it: its time `at` and its `id`.
    `name` is the segment's, as written there."""

    at: float
    id: str
    is_in: bool
    name: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What the store knows of a visitor.

    * `attributes`: by name; a text, number, truth value or set of texts.
    * `history`: events in order; `events/fold.py` limits how many.
    * `links`: by visitor id, the devices or the person it is joined with (`audience/identity.py`).
    * `segments`: the segments of outside systems that the visitor is in.
    * `bucket_key`: the key for random splits, "" for the visitor id. A join keeps the key of the older profile, so that
      nobody changes arms by logging in.

    The sources of attributes and segments, so that the result is the same in whatever order events come:

    * `stamps`: by name, the stamps of the attributes that events set.
    * `imported`: the stamp of the import that set the others.
    * `hidden`: the values of that import for attributes that events set later.
    * `from_devices`: names of attributes that only a device set; a value set for the person itself replaces them.
    * `listed`: the segments that an import listed.
    * `outside`: by casefolded name, what events last said of a segment.

    `remembered` is a cache of what was calculated from the history, and not part of the value.
    """

    visitor_id: str
    attributes: Attributes = field(default_factory=dict)
    segments: frozenset[str] = frozenset()
    updated_at: float = 0.0
    history: tuple[Event, ...] = ()
    bucket_key: str = ""
    stamps: Mapping[str, Stamp] = field(default_factory=dict, compare=False)
    imported: Stamp = field(default=(0.0, ""), compare=False)
    hidden: Attributes = field(default_factory=dict, compare=False)
    remembered: dict[object, object] = field(init=False, default_factory=dict, repr=False, compare=False)
    links: Mapping[str, Link] = field(default_factory=dict)
    from_devices: frozenset[str] = field(default=frozenset(), compare=False)
    listed: frozenset[str] = field(default=frozenset(), compare=False)
    outside: Mapping[str, Membership] = field(default_factory=dict, compare=False)

    @property
    def alias(self) -> str:
        """The visitor id of the person whose device this is; "" if it is nobody's."""
        mine = [(link, id) for id, link in self.links.items() if not link.is_device and not link.is_parted]
        return min(mine)[1] if mine else ""

    @property
    def devices(self) -> dict[str, Link]:
        """The devices of this person, by their visitor ids."""
        return {id: link for id, link in self.links.items() if link.is_device and not link.is_parted}


class Visitor(msgspec.Struct, frozen=True, gc=False):
    """The visitor of a request, from its verified cookies. The id is "" for an anonymous visitor: there was no valid
    cookie, or it may not be used. `unverified` are segments of an unsigned cookie that an operator allowed by name.
    `is_for_session`: their cookie ends with the browser's session, where others last longer."""

    id: str = ""
    first_seen_at: float = 0.0
    segments: frozenset[str] = frozenset()
    unverified: frozenset[str] = frozenset()
    consent: Consent = Consent.PROFILE
    is_for_session: bool = False


def nothing_read(measure: Measure) -> AttributeValue | None:
    """The `read` of a context without a history: every measure is unknown."""
    return None


class EvaluationContext(msgspec.Struct, frozen=True):
    """All that a decision depends on, besides the plan.

    * `targeting_key`: the visitor id, "" for an anonymous visitor; `now`: Unix seconds.
    * `attributes`: the known ones, by the names of `conditions/vocabulary.py` or of profile attributes.
    * `unverified`: segments that nobody signed; they never satisfy `needs: verified`.
    * `bucket_key`: the key for random splits, so that a visitor keeps their arm after a login; "" for the targeting
      key.
    * `read`: calculates a measure from the visitor's history at `now`; called only for the caps of rules about to be
      shown.
    * `history`: for product recommendations; `remembered`: the profile's cache.
    * `consent`: explains why something is not known.
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
    """A recorded page view: what it showed, and what is needed to decide it again with other rules.

    * `shown`: for each slot, in page order, the `shown_name` of its decision, as it was before rows without products
      made way.
    * `attributes`: those that were known; `unknown`: the names of those that rules tested and that were not known. An
      attribute in neither was not recorded.
    * `readings`: the values that caps read, by `measure_name`; None for an unknown one.
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
        """The context to decide the view again."""
        return EvaluationContext(
            self.visitor,
            self.at,
            self.attributes,
            self.channel,
            self.unverified,
            self.bucket_key,
            lambda measure: self.readings.get(measure_name(measure)),
        )
