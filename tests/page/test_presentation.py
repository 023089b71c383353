"""Who reads a row of products sees it in their language, at their prices, and by the campaign they came by."""

from __future__ import annotations

import pytest

from proxy.model import AttributeValue, EvaluationContext
from proxy.page.presentation import PLAIN, Presentation, presentation_of

GERMAN = frozenset({"de-at", "de"})


@pytest.mark.parametrize(
    ("attributes", "presentation"),
    [
        ({}, PLAIN),
        ({"language": frozenset({"en"}), "country": ""}, PLAIN),
        ({"language": GERMAN}, Presentation("de", "", "")),
        ({"country": "GB"}, Presentation("en", "GBP", "")),
        ({"country": "nowhere"}, PLAIN),
        (
            {"campaign": "a&b c", "campaign.source": "mail"},
            Presentation("en", "", "utm_campaign=a%26b%20c&utm_source=mail"),
        ),
        ({"campaign": 3.0}, PLAIN),
        ({"campaign": "x" * 200, "campaign.source": "y" * 200, "language": GERMAN}, Presentation("de", "", "")),
        ({"language": frozenset({"madeup"})}, PLAIN),
    ],
)
def test_the_dress_follows_from_what_is_known_of_the_reader(
    attributes: dict[str, AttributeValue], presentation: Presentation
) -> None:
    assert presentation_of(EvaluationContext("v1", 0.0, attributes)) == presentation
