"""What is wrong with the settings of a server is told all at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.cli.mistakes import missing, unfit
from proxy.settings import Settings


def test_all_that_has_no_safe_default_is_told(tmp_path: Path) -> None:
    settings = Settings(rules=str(tmp_path / "none"), reader_token="short", tls_key="k.pem")
    told = "\n".join(map(str, missing(settings)))
    for what in ("ORIGIN", "no signing key", "no token", "shorter than 8", "no certificate", "there is no folder"):
        assert what in told
    fine = Settings(origin=("https://shop.example",), secret="x" * 32, admin_token="y" * 16, rules=str(tmp_path))
    assert list(missing(fine)) == list(unfit(fine)) == []


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ({"city_header": "cf-ipcity", "region_header": "cf-region"}, ["REGION_HEADER`: nobody is trusted"]),
        ({"latitude_header": "a", "trusted_proxies": ("10.0.0.1",)}, ["LONGITUDE_HEADER`: a location takes"]),
        ({"longitude_header": "a", "trusted_proxies": ("10.0.0.1",)}, ["LATITUDE_HEADER`: a location takes"]),
        ({"latitude_header": "a", "longitude_header": "a", "trusted_proxies": ("10.0.0.1",)}, []),
        ({"time_zone_header": "cf-timezone"}, ["TIME_ZONE_HEADER`: nobody is trusted"]),
        ({"country_header": "x-country"}, []),
    ],
)
def test_fields_for_places_go_with_who_is_believed_and_with_one_another(
    places: dict[str, Any], told: list[str], tmp_path: Path
) -> None:
    fine = Settings(origin=("https://shop.example",), secret="x" * 32, admin_token="y" * 16, rules=str(tmp_path))
    errors = [str(error) for error in missing(replace(fine, **places))]
    assert len(errors) == len(told)
    assert all(what in error for what, error in zip(told, errors, strict=True)), errors


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (Settings(write_keys=("shop", "app:nobody:6f3a")), ["is not NAME:KIND:KEY", "`app` is `nobody`"]),
        (Settings(trusted_proxies=("nginx", "10.0.0.0/8", "caddy")), ["`nginx` is not", "`caddy` is not"]),
        (Settings(allowed_hosts=("https://a", "b", "c/d")), ["`https://a` is not", "`c/d` is not"]),
        (Settings(consent=("ours", "tcf", "theirs")), ["tool `ours`", "tool `theirs`"]),
        (
            Settings(origin=("shop", "/api", "https://a", "https://b")),
            ["`shop` is not a web", "`/api` has", "has an origin"],
        ),
        (Settings(origin=("https://a", "/api=https://b"), origin_ca="no.pem"), ["`no.pem` cannot"]),
        (Settings(slot_origins=("m.shop.example",)), ["TAILORBIRD_SLOT_ORIGINS"]),
        (
            Settings(secret="short", origin=("shop",), page_codings=("br",), webhooks="no.yaml", catalogue="no.jsonl"),
            ["PAGE_CODINGS", "signing key is shorter", "is not a web address", "`no.yaml`", "`no.jsonl`"],
        ),
        (Settings(origin_ca="no.pem", store="sqlite:/no/folder/s.db"), ["`no.pem` cannot", "no folder `/no/folder`"]),
        (Settings(store="reddis://there"), ['did you mean "redis"?']),
        (Settings(store="redis://there/first"), ["`first` is no number of a database"]),
    ],
)
def test_each_value_that_is_refused_is_told(settings: Settings, told: list[str]) -> None:
    errors = [str(error) for error in unfit(settings)]
    assert len(errors) == len(told)
    for what, error in zip(told, errors, strict=True):
        assert what in error
