from __future__ import annotations

import pytest

from proxy.page.presentation import price_text


@pytest.mark.parametrize(
    ("price", "currency", "language", "text"),
    [
        (1299.5, "EUR", "en", "€1,299.50"),
        (1299.5, "EUR", "nl", "€\xa01.299,50"),
        (1299.5, "EUR", "de-AT", "1.299,50\xa0€"),
        (1299.5, "EUR", "fr", "1\xa0299,50\xa0€"),
        (1299.5, "NOK", "nb", "1\xa0299,50 NOK"),
        (1299.5, "GBP", "xx", "£1,299.50"),
        (1300.0, "JPY", "en", "¥1,300"),
        (12.5, "CHF", "en", "12.50 CHF"),
        (12.5, "PLN", "pl", "12,50\xa0zł"),
        (12.5, "", "en", "12.50"),
        (0.0, "EUR", "de", ""),
    ],
)
def test_prices_are_written_as_their_readers_write_them(price: float, currency: str, language: str, text: str) -> None:
    assert price_text(price, currency, language) == text
