"""How products are presented to a visitor: in their language, at prices of their country, and with links that tell
of the campaign they came by."""

from __future__ import annotations

from urllib.parse import quote

from proxy.model import EvaluationContext
from proxy.page.cards import PLAIN, Presentation
from proxy.page.prices import CURRENCY_OF, LANGUAGES

CAMPAIGN = {
    "campaign": "utm_campaign",
    "campaign.source": "utm_source",
    "campaign.medium": "utm_medium",
    "campaign.term": "utm_term",
    "campaign.content": "utm_content",
}
"""Attributes of the campaign a visitor came by, and the parameters that say so in an address."""

MOST_CAMPAIGN = 300
"""Characters: links take no longer ones along, for cards are drawn and kept for each."""

ROW_ATTRIBUTES = ("page", "language", "country", *CAMPAIGN)
"""What rows of products may ask of a request."""


def presentation_of(context: EvaluationContext) -> Presentation:
    """How products are shown to this visitor."""
    attributes = context.attributes
    told = [(name, attributes.get(said)) for said, name in CAMPAIGN.items()]
    campaign = "&".join([f"{name}={quote(value, safe='')}" for name, value in told if isinstance(value, str)])
    campaign = campaign if len(campaign) <= MOST_CAMPAIGN else ""
    languages, country = attributes.get("language"), attributes.get("country")
    language = min(languages, key=len) if isinstance(languages, frozenset) and languages else "en"
    language = language if language in LANGUAGES else "en"
    currency = CURRENCY_OF.get(country, "") if isinstance(country, str) else ""
    return Presentation(language, currency, campaign) if campaign or currency or language != "en" else PLAIN
