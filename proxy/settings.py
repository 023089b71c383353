"""Every setting, one row each: name, type, default, unit, help. Those of the site itself are in `site_settings.py`.

The command line's help, the environment names (`environment.py`) and `docs/reference/settings.md` come from the rows.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from proxy.setting_row import row
from proxy.site_settings import SiteSettings

GOOGLE_COOKIES = ("_ga*", "_gid", "_gat*", "_gcl_*", "_dc_gtm_*")
STATISTICS_COOKIES = (*GOOGLE_COOKIES, "_fbp", "_fbc", "_uet*", "_cl*", "_hj*", "_pk_*", "ajs_*")
CONSENT_COOKIES = ("OptanonConsent", "OptanonAlertBoxClosed", "CookieConsent", "cookieyes-consent", "euconsent-v2")
OWN_CONSENT_COOKIE = "tb_consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(SiteSettings):
    """One immutable set, made at start. Tuples are written comma-separated."""

    max_request_line_bytes: int = row(8_192, "longest target of a request; longer ones get 414", "bytes", least=256)
    max_field_bytes: int = row(8_192, "longest request field; longer ones get 431", "bytes", least=256)
    max_head_bytes: int = row(32_768, "largest request head; larger ones get 431", "bytes", least=1_024)
    max_fields: int = row(100, "most fields in a request; with more it gets 431", "fields", least=10)
    head_seconds: float = row(10.0, "longest time for a request's head to come in whole", "seconds")
    upload_seconds: float = row(15.0, "time in which an upload must bring `upload_bytes`, again and again", "seconds")
    max_upload_bytes: int = row(0, "largest request body; larger ones get 413; 0: any size", "bytes")
    upload_bytes: int = row(1_024, "what an upload must bring in `upload_seconds`; 1: any progress will do", "bytes")
    keep_alive_seconds: float = row(
        15.0,
        "how long a connection is kept between two requests; one of a trusted proxy: as long as it likes",
        "seconds",
    )
    download_seconds: float = row(30.0, "time in which a client must take `download_bytes` of what waits", "seconds")
    download_bytes: int = row(65_536, "what a client must take in `download_seconds` while more waits", "bytes")
    client_buffer_bytes: int = row(65_536, "what may wait in memory for a client to take it, about", "bytes", least=1)
    max_clients: int = row(
        2_000, "client connections per worker; then the longest idle ones give way", "connections", least=1
    )
    max_clients_per_address: int = row(
        100,
        "connections of one address per worker (IPv6: one /64); trusted proxies and private networks: any",
        "connections",
    )

    early_hints: bool = row(
        True,
        "pass the shop's early hints (103) on to browsers (RFC 9110 15.2); false where what stands in front takes one "
        "for the whole answer, as older nginx and Varnish",
    )
    keep_host: bool = row(False, "send the visitor's Host to the origin instead of the origin's own")
    allowed_hosts: tuple[str, ...] = row(
        (), "Host values served, the first for who says none (HTTP/1.0); empty: any well-formed one"
    )
    origin_ca: str = row("", "PEM file of extra certificate authorities for https origins")
    origin_name: str = row(
        "", "name of https origins in their certificates, asked for by SNI; empty: as in their URL", is_name=True
    )
    origin_certificate: str = row("", "PEM file of the certificate, and its key, that https origins want of us")
    connect_timeout_ms: int = row(1_000, "longest wait for a connection to the origin", "milliseconds", least=1)
    first_byte_timeout_ms: int = row(10_000, "longest wait for the origin's answer to begin", "milliseconds", least=1)
    change_timeout_ms: int = row(
        60_000,
        "longest wait for the answer to a request that changes something (POST, PUT, PATCH, DELETE) to begin",
        "milliseconds",
        least=1,
    )
    between_bytes_timeout_ms: int = row(
        10_000, "longest silence within a body, either way, but for streams of events", "milliseconds", least=1
    )
    page_timeout_ms: int = row(
        15_000, "longest time for a page that is read whole; what is streamed has none", "milliseconds", least=1
    )
    max_connections: int = row(100, "most connections to one origin per worker", "connections", least=1)
    max_slow_downloads: int = row(
        300, "connections beside these on which answers wait for slow clients; more count among them", "connections"
    )
    max_idle_connections: int = row(50, "most of them that are kept while nothing is asked", "connections")
    idle_connection_seconds: float = row(30.0, "idle time of origin connections, less if they say so", "seconds")
    concurrency_start: int = row(
        64,
        "requests to one origin at once, at first; then as many as it answers without slowing down",
        "requests",
        least=1,
    )
    max_waiting: int = row(128, "requests that may wait for their turn; more get 503 at once", "requests")
    max_wait_ms: int = row(100, "longest wait for a turn; then 503", "milliseconds")
    retry_fraction: float = row(0.1, "part of all requests that may be sent again, over another connection; 0: none is")

    breaker_failures: int = row(
        5, "so many failures in a row, and an origin or the profile store is left alone for a while", "failures"
    )
    breaker_fraction: float = row(0.5, "the same for this part of the last `breaker_attempts`")
    breaker_attempts: int = row(20, "how many of the last attempts are looked at", "attempts")
    breaker_seconds: float = row(1.0, "how long it is left alone at first; then twice as long each time", "seconds")
    breaker_longest_seconds: float = row(10.0, "how long it is left alone at most", "seconds")

    cache_bytes: int = row(
        256 * 1024 * 1024,
        "memory for stored answers; at most a sixth as much again is for who asks them in the same words",
        "bytes",
    )
    max_stored_bytes: int = row(8 * 1024 * 1024, "largest asset that is kept; larger ones pass through", "bytes")
    heuristic_fraction: float = row(0.0, "RFC 9111 4.2.2: part of its age an undated page stays fresh; 0: off")
    targeted_cache_fields: tuple[str, ...] = row(
        ("Tailorbird-Cache-Control", "CDN-Cache-Control", "Surrogate-Control"),
        "answer fields that, in this order, go before Cache-Control here (RFC 9213)",
    )
    forwarded_fields: tuple[str, ...] = row(
        (),
        "request fields sent along when a page is fetched for everybody, beside those its Vary names; `*`: all but "
        "cookies. What is sent and not in Vary can change what others are shown",
    )
    ignored_cookies: tuple[str, ...] = row(
        (*STATISTICS_COOKIES, *CONSENT_COOKIES, OWN_CONSENT_COOKIE),
        "cookies that say nothing to the origin's pages; `*` stands for any ending",
    )
    clients_may_refresh: bool = row(False, "let a client's Cache-Control (a forced reload) ask the origin")
    collapse_wait_ms: int = row(
        2_000,
        "wait for another request's fetch of the same page until one of those who wait asks on their own; if that is "
        "answered first, two more, and so on",
        "milliseconds",
    )
    stale_if_error_seconds: int = row(3_600, "how long a stale answer stands in for an origin that is down", "seconds")
    stale_wait_ms: int = row(
        2_000, "longest wait for a new page where a stale one may stand in; 0: as long as for any", "milliseconds"
    )
    grace_seconds: int = row(
        0,
        "how long a stale answer is still shown while a new one is fetched behind it, where its origin says nothing of "
        "that; 0: not at all, as RFC 9111 has it",
        "seconds",
    )
    origin_down_seconds: float = row(
        2.0, "how long stale pages are shown without asking again after the origin failed", "seconds"
    )
    uncacheable_seconds: int = row(120, "how long a page is remembered as not to be shared", "seconds")
    compare_pages: str = row(
        "unsaid",
        "which pages are fetched twice before they are kept for the first time, and kept only if both are the same: "
        "`unsaid` (those whose lifetime is not the origin's own word), `all` or `none`",
        words=("unsaid", "all", "none"),
    )

    max_page_bytes: int = row(2 * 1024 * 1024, "largest page that is personalised; larger ones pass through", "bytes")
    max_inflation: int = row(
        100, "how many times its size a page coded by the origin may grow; what would grow more passes through", "times"
    )
    max_slots: int = row(50, "most slots in one page; with more it passes through", "slots")
    page_codings: tuple[str, ...] = row(
        ("gzip",),
        "codings of stored pages, gzip and zstd: of those that a client likes best the first. zstd takes half of our "
        "time for a page, and a tenth more bytes",
    )
    max_part_bytes: int = row(
        512 * 1024, "largest part that a page is put together from; in place of a larger one its alternate", "bytes"
    )
    parts_timeout_ms: int = row(
        1_000, "longest wait for the parts that a page is put together from, all together", "milliseconds"
    )
    slot_origins: tuple[str, ...] = row(
        (),
        "origins whose pages may ask `/_tb/slots` with the visitor's cookies, as https://m.shop.example; empty: none",
    )


DEFAULTS = Settings()

FLAGS = (
    "origin", "host", "port", "admin_host", "admin_port", "tls_certificate", "tls_key", "rules", "catalogue", "store",
    "access_log", "workers", "keep_host", "allowed_hosts",
)  # fmt: skip
"""The settings that `tailorbird serve` also takes on the command line."""


def rows() -> list[dataclasses.Field[Any]]:
    """The settings in the order of the table."""
    return list(dataclasses.fields(Settings))
