"""Prices in the format of a language: `€12.50` in English, `12,50 €` in German, `€ 12,50` in Dutch."""

from __future__ import annotations

from typing import NamedTuple

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
