"""The data types that packages pass to one another. Read this first.

Everything here is immutable, does no IO and imports nothing else of the project. A type is defined here only if two or
more packages use it; a type that one package uses stays in that package.

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
from proxy.model.events import (
    LONGEST_SUBJECT,
    PAGE_EVENT_PREFIX,
    Arrival,
    Delivery,
    Event,
    Item,
    Link,
    LogProgress,
    PackedEvent,
    Standing,
)
from proxy.model.head_shape import CacheVerdict, Headers, HeadShape
from proxy.model.products import Product, Sighting
from proxy.model.rules import (
    Arm,
    Cap,
    Countdown,
    Decision,
    Draw,
    Experiment,
    Holdout,
    Reason,
    Rule,
    Segment,
    chosen_name,
    shown_name,
)
from proxy.model.visitors import Consent, EvaluationContext, Membership, Profile, Stamp, View, Visitor, nothing_read
