"""How products are presented to a visitor: in the price format of their language (`€12.50` in English, `12,50 €` in
German, `€ 12,50` in Dutch), the currency of their country, and with the campaign they came by in links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from proxy.model import EvaluationContext

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


@dataclass(frozen=True, slots=True)
class Presentation:
    """How products are shown to a visitor: prices in the format of their `language`, in their `currency` if the
    catalogue has it, and links with the parameters of the `campaign` they came by (`utm_source=newsletter`)."""

    language: str = "en"
    currency: str = ""
    campaign: str = ""


PLAIN = Presentation()


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


_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "CHF": "CHF", "PLN": "zł", "CZK": "Kč"}
_WHOLE = frozenset({"JPY", "KRW", "HUF", "ISK"})
"""Currencies without cents."""
_SPACE = "\N{NO-BREAK SPACE}"


class Style(NamedTuple):
    """What stands between thousands and before cents, and where the currency is."""

    thousands: str
    cents: str
    pattern: str


_ENGLISH = Style(",", ".", "{symbol}{amount}")
_SOUTHERN = Style(".", ",", "{amount}" + _SPACE + "{symbol}")
_NORTHERN = Style(_SPACE, ",", "{amount}" + _SPACE + "{symbol}")
_STYLES = {
    "en": _ENGLISH,
    "nl": Style(".", ",", "{symbol}" + _SPACE + "{amount}"),
    **dict.fromkeys(("de", "es", "it", "pt", "da", "tr", "el", "sl", "hr", "ro"), _SOUTHERN),
    **dict.fromkeys(("fr", "nb", "no", "nn", "sv", "fi", "pl", "cs", "sk", "hu", "et", "lv", "lt", "uk"), _NORTHERN),
}
LANGUAGES = frozenset(_STYLES)
"""The languages with a price format here; all others use the English one."""

_EURO = (
    "AT", "BE", "CY", "DE", "EE", "ES", "FI", "FR", "GR", "HR", "IE",
    "IT", "LT", "LU", "LV", "MT", "NL", "PT", "SI", "SK",
)  # fmt: skip
CURRENCY_OF = {
    **dict.fromkeys(_EURO, "EUR"),
    "US": "USD", "GB": "GBP", "NO": "NOK", "SE": "SEK", "DK": "DKK", "CH": "CHF", "PL": "PLN", "CZ": "CZK",
    "CA": "CAD", "AU": "AUD", "JP": "JPY", "HU": "HUF", "RO": "RON", "IS": "ISK",
}  # fmt: skip
"""The currency of each country."""


def price_text(price: float, currency: str, language: str = "en") -> str:
    """A price as readers of the language write it; "" when there is none. A currency without a symbol of its own has
    its three letters behind the amount."""
    if not price:
        return ""
    style = _STYLES.get(language.partition("-")[0], _ENGLISH)
    written = f"{price:,.0f}" if currency in _WHOLE else f"{price:,.2f}"
    amount = written.translate({ord(","): style.thousands, ord("."): style.cents})
    symbol = _SYMBOLS.get(currency)
    if symbol is None or (style is _ENGLISH and symbol.isalpha()):
        return f"{amount} {currency}".rstrip()
    return style.pattern.format(symbol=symbol, amount=amount)
