"""How products are presented to a visitor: in the price format of their language, the currency of their country, and
with the campaign they came by in links."""

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
"""The attributes of a campaign, and the query parameters that they come from."""

MOST_CAMPAIGN = 300
"""Characters. Longer parameters are dropped, since cards are rendered and cached for each campaign."""

ROW_ATTRIBUTES = ("page", "language", "country", *CAMPAIGN)
"""The attributes of a request that rows of products depend on."""


def presentation_of(context: EvaluationContext) -> Presentation:
    """How products are shown to this visitor."""
    attributes = context.attributes
    parameters = [(name, attributes.get(attribute)) for attribute, name in CAMPAIGN.items()]
    campaign = "&".join([f"{name}={quote(value, safe='')}" for name, value in parameters if isinstance(value, str)])
    campaign = campaign if len(campaign) <= MOST_CAMPAIGN else ""
    languages, country = attributes.get("language"), attributes.get("country")
    language = min(languages, key=len) if isinstance(languages, frozenset) and languages else "en"
    language = language if language in LANGUAGES else "en"
    currency = CURRENCY_OF.get(country, "") if isinstance(country, str) else ""
    return Presentation(language, currency, campaign) if campaign or currency or language != "en" else PLAIN
