"""The nouns that cross borders between packages. Read this first.

Everything here is frozen, knows no IO and imports nothing of ours. A noun lives here only when two or more
packages pass it to one another; what a package keeps to itself stays in that package.

Times are Unix seconds (UTC) as float, called `now`, `..._at` or `..._until`. Header names are lower-case bytes.
"""

from proxy.model.conditions import (
    EVERYBODY,
    NOBODY,
    NOWHERE,
    AllOf,
    AnyOf,
    Attributes,
    AttributeValue,
    Between,
    Condition,
    Contains,
    Fact,
    IsKnown,
    Measure,
    NoneOf,
    NotOneOf,
    OneOf,
    Period,
    Place,
    Reading,
    StartsWith,
    Test,
    Then,
    WithinHours,
    measure_name,
)
from proxy.model.events import NOTED, Arrival, Deed, Event, Item, Link
from proxy.model.manner import Manner
from proxy.model.messages import CacheVerdict, Headers
from proxy.model.outbox import Delivery, Followed, Standing
from proxy.model.products import Product, Sighting
from proxy.model.rules import Arm, Cap, Decision, Draw, Experiment, Holdout, Reason, Rule, Segment, shown_name
from proxy.model.visitors import (
    Consent,
    EvaluationContext,
    Membership,
    Profile,
    Stamp,
    View,
    Visitor,
    nothing_read,
)

__all__ = [
    "EVERYBODY",
    "NOBODY",
    "NOTED",
    "NOWHERE",
    "AllOf",
    "AnyOf",
    "Arm",
    "Arrival",
    "AttributeValue",
    "Attributes",
    "Between",
    "CacheVerdict",
    "Cap",
    "Condition",
    "Consent",
    "Contains",
    "Decision",
    "Deed",
    "Delivery",
    "Draw",
    "EvaluationContext",
    "Event",
    "Experiment",
    "Fact",
    "Followed",
    "Headers",
    "Holdout",
    "IsKnown",
    "Item",
    "Link",
    "Manner",
    "Measure",
    "Membership",
    "NoneOf",
    "NotOneOf",
    "OneOf",
    "Period",
    "Place",
    "Product",
    "Profile",
    "Reading",
    "Reason",
    "Rule",
    "Segment",
    "Sighting",
    "Stamp",
    "Standing",
    "StartsWith",
    "Test",
    "Then",
    "View",
    "Visitor",
    "WithinHours",
    "measure_name",
    "nothing_read",
    "shown_name",
]
