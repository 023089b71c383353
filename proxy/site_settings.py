"""The settings of the site itself: where it listens, its rules, store, workers, visitors and events. `settings.py` adds
those of what passes between clients, origins and the cache."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.setting_row import row


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """A part of `Settings`."""

    origin: tuple[str, ...] = row(
        (), "where pages come from: URL, or PATH=URL for a part of the site; the longest path wins"
    )
    host: str = row("127.0.0.1", "address of the public listener; 0.0.0.0 is all of this machine, `::` all with IPv6")
    port: int = row(8080, "port of the public listener")
    admin_host: str = row("127.0.0.1", "address of the admin listener")
    admin_port: int = row(8081, "port of the admin listener; 0: none")
    tls_certificate: str = row("", "PEM file of the public listener's certificate and its chain; empty: plain HTTP")
    tls_key: str = row("", "PEM file of its private key; empty: in the file of the certificate")
    backlog: int = row(1_024, "connections of a listener that may wait to be accepted", "connections")

    shop_url: str = row("", "the shop's address, as https://shop.example; then a preview of `/sale` opens there")

    rules: str = row("rules", "the folder editors own")
    rules_mode: str = row(
        "folder",
        "what is live: folder (a saved folder without mistakes) or published (what was published last)",
        words=("folder", "published"),
    )
    rules_debounce_ms: int = row(200, "how long a changed folder must be quiet before it is read", "milliseconds")
    rules_poll_ms: int = row(400, "how often a folder is looked at whose file system tells no changes", "milliseconds")
    approval: str = row(
        "as before",
        "who may publish: none (everybody alone), required (a second person approves) or as before",
        words=("none", "required", "as before"),
    )
    catalogue: str = row("", "products as JSON lines; empty: `products.jsonl` in the rules folder, if there")
    affinity: str = row(
        "", "file written by `tailorbird affinity build`, for products that nobody looked at here yet; empty: none"
    )

    store: str = row("sqlite:tailorbird.db", "profiles and events: sqlite:PATH, redis://HOST:PORT/DB")
    store_timeout_ms: int = row(
        250, "longest wait for Redis or Valkey to connect, or to answer a read; no page waits so long", "milliseconds"
    )
    store_write_timeout_ms: int = row(1_000, "the same for a write; hundreds of events are one", "milliseconds")
    store_retries: int = row(3, "how often a write is tried again, after 10 ms to a second", "times")
    store_connections: int = row(
        32, "most connections to Redis or Valkey, per worker and purpose", "connections", least=1
    )

    log_level: str = row(
        "info",
        "what is told on standard error: error, warning (what is amiss) or info (also why pages are not kept)",
        words=("error", "warning", "info"),
    )
    log_format: str = row("text", "its form: text, or json (an object a line)", words=("text", "json"))
    access_log: str = row("", "file in which each request gets a line of JSON; -: standard output; empty: none is kept")
    workers: int = row(
        1, "worker processes that share the listeners; more than one run under a supervisor", "processes", least=1
    )
    lame_duck_seconds: float = row(
        5.0, "how long after SIGTERM requests are still taken while /readyz says that we are stopping", "seconds"
    )
    drain_seconds: float = row(30.0, "longest time, after that, for what is under way to finish", "seconds")
    stall_seconds: float = row(
        10.0,
        "a worker that does nothing at all for so long is replaced; at least 2, or 0 for never",
        "seconds",
        least=2,
        or_zero=True,
    )
    memory_limit_bytes: int = row(
        0, "memory that a worker may hold; 0: its share of the container's limit, if there is one", "bytes"
    )
    memory_shed_fraction: float = row(
        0.95, "part of that limit beyond which the cache shrinks and no page waits for a profile"
    )
    memory_refuse_fraction: float = row(0.98, "the same, beyond which only stored pages are given; the rest gets 503")
    max_worker_bytes: int = row(
        0, "memory beyond which a worker is replaced; 0: a fifth over `memory_limit_bytes`, where that is set", "bytes"
    )

    secret: str = row("", "signing key for our cookies; a second, older one may follow after a comma")
    admin_token: str = row("", "bearer token of the admin listener, 8 characters or more; only the demo goes without")
    reader_token: str = row("", "bearer token for who only looks at the admin listener: analysts, metrics; empty: none")
    writer_token: str = row("", "bearer token for who writes drafts in the studio, and publishes none; empty: none")
    studio_writes: bool = row(False, "let the studio's page *Files* write files of the rule folder")
    visitor_cookie: str = row(
        "session", "the visitor cookie we set: off, session or persistent", words=("off", "session", "persistent")
    )
    visitor_cookie_days: int = row(180, "lifetime of a persistent visitor cookie", "days")
    segment_cookie_seconds: int = row(1800, "how long signed segments count", "seconds")
    unsigned_segments_cookie: str = row(
        "", "name of a CDP's own, unsigned segment cookie to read as a hint", is_name=True
    )
    consent: tuple[str, ...] = row(
        (),
        "consent tools whose cookies say what a visitor agreed to: own, tcf, onetrust, cookiebot, cookieyes; the least "
        "counts. Empty: none is asked, and all visitors are known",
    )
    consent_default: str = row(
        "session",
        "what holds where none of those cookies came: none, contextual, session or profile",
        words=("none", "contextual", "session", "profile"),
    )
    privacy_signals: bool = row(
        True, "take `Sec-GPC: 1` and `DNT: 1` as a wish not to be profiled: contextual at most, whatever was agreed to"
    )
    trusted_proxies: tuple[str, ...] = row(
        (), "addresses or networks whose Forwarded fields, and those that say where a visitor is, count; empty: none"
    )
    country_header: str = row("cf-ipcountry", "request field in which a trusted proxy names the country", is_name=True)
    region_header: str = row(
        "", "the same for the region, as cf-region; empty: `region` is what your own data says", is_name=True
    )
    city_header: str = row(
        "", "the same for the city, as cf-ipcity; empty: `city` is what your own data says", is_name=True
    )
    latitude_header: str = row(
        "",
        "the same for the latitude; empty, or no longitude: `location` is what an app or a login tells",
        is_name=True,
    )
    longitude_header: str = row(
        "", "the same for the longitude, as cf-iplongitude; it may be the same field, if that has both", is_name=True
    )
    time_zone_header: str = row(
        "",
        "the same for the time zone, as cf-timezone; empty: `time zone` is what an app or a login tells",
        is_name=True,
    )
    profile_budget_ms: float = row(10.0, "longest wait for a profile before going on without it", "milliseconds")
    profile_longest_ms: float = row(
        25.0, "longest wait for a profile in any case, as of a store that others keep busy", "milliseconds"
    )
    profile_memory: int = row(50_000, "profiles remembered per worker", "profiles")
    profile_memory_seconds: float = row(
        5.0, "how long a remembered profile is used without word from the store that nobody changed it", "seconds"
    )

    recorded_a_second: float = row(
        10.0, "page views recorded for `plan` and `replay`, per worker and second at most; 0: none", "views"
    )
    recorded_views: int = row(20_000, "recorded page views that are kept; the oldest go first", "views")

    write_keys: tuple[str, ...] = row(
        (),
        "who may send events: NAME:KIND:KEY, as shop:server:6f3a9c...; a `public` key may say what its own visitor "
        "did, a `trusted` one also what they ordered and who they are, a `server` key all of it, of anybody",
    )
    capture: bool = row(True, "count what pages tell by themselves: views, products, searches, banners shown")
    max_event_bytes: int = row(1_048_576, "largest body of events, unpacked; larger ones get 413", "bytes", least=1)
    event_bytes_per_address: int = row(
        131_072,
        "bytes of events that one address may send a second, over 40 seconds, without a server's key; beyond it gets "
        "429. 0, and trusted proxies and private networks: any",
        "bytes",
    )
    max_events: int = row(
        2_500,
        "most events in one request; what is beyond is refused, with more than twice as many all of it (413)",
        "events",
        least=1,
    )
    waiting_events: int = row(
        10_000, "events that may wait for the store, per worker; more are sent back with 503", "events", least=1
    )
    waiting_event_bytes: int = row(16 * 1024 * 1024, "the same, by their size", "bytes", least=1)
    event_company_ms: float = row(2.0, "how long an event waits for others to be stored with", "milliseconds")
    event_rows: int = row(200, "so many events need not wait for others", "events")
    late_event_days: float = row(
        7.0, "how late an event may come from who is no server; later ones are refused", "days"
    )

    webhooks: str = row("", "file of those who are told when a visitor enters or leaves a segment; empty: nobody")
    webhooks_ca: str = row("", "PEM file of extra certificate authorities for https webhooks")
