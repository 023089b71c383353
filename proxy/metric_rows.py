"""What is measured: a row for each counter, gauge and histogram, with what it says. `metrics.py` has the numbers."""

from __future__ import annotations

HELP = {
    "tailorbird_requests_total": "requests answered, by result: personalised, default, asset, bypass, error",
    "tailorbird_answers_total": "answers to clients, by status: 2xx, 3xx, 4xx, 5xx, 1xx (an upgrade); gone: the client "
    "left before",
    "tailorbird_cache_requests_total": "requests, and parts of pages, by status: hit, stale, stored (fetched for "
    "everybody), collapsed (waited for another's fetch), bypass (the visitor's own), method (not GET), error",
    "tailorbird_rule_matches_total": "slots filled, by rule",
    "tailorbird_profile_lookups_total": "profile look-ups by outcome: memory, store, unknown, damaged, timeout, "
    "error, open (left alone after failures), busy (too many reads under way), shed (too much to do)",
    "tailorbird_cookies_ignored_total": "times a visitor's cookie was ignored, by why: key (none of those in `secret` "
    "signed it), content (altered, or from the future)",
    "tailorbird_decisions_asked_total": "slots decided without a page, by way: decide, ofrep",
    "tailorbird_page_passthrough_total": "pages sent as they came, by why",
    "tailorbird_pages_not_kept_total": "fetches for everybody whose answer was not kept, by why",
    "tailorbird_parts_total": "parts that pages were put together from, by outcome: ok, failed, late, error (a "
    "fault of ours), left alone (it was late again and again)",
    "tailorbird_decide_errors_total": "rules or fragments that raised and fell back to the default",
    "tailorbird_views_recorded_total": "page views recorded for `plan`, by outcome: kept, lost (the store was away)",
    "tailorbird_joins_total": "devices and persons said to be one, by outcome: done, or why not",
    "tailorbird_events_total": "events by outcome: applied, repeated (came before), bot, unwanted (the visitor said "
    "no), busy (sent back, there was no room), failed (sent back, the store did not take them), lost (noted by pages "
    "while the store was away for long), too much (requests sent back, as their address sends very many)",
    "tailorbird_store_lost_total": "times a worker found that the Redis or Valkey server had lost what it had, or that "
    "another was in its place",
    "tailorbird_events_refused_total": "events that were not taken, by reason",
    "tailorbird_segment_changes_total": "segments entered and left, for each webhook that is told",
    "tailorbird_webhook_messages_total": "messages to webhooks by outcome: sent, failed (tried again later), given up",
    "tailorbird_rules_reloads_total": "rule folders read, by outcome: live, refused",
    "tailorbird_cache_purged_total": "stored addresses purged, by kind: hard, soft",
    "tailorbird_cache_evicted_total": "stored answers that were dropped to make room for others; many, while the part "
    "of hits is low: `cache_bytes` is too small",
    "tailorbird_origin_errors_total": "failed fetches by reason: refused, certificate, tls, timeout, reset, truncated, "
    "malformed, overload (no turn), share (one address has half), left-alone (after failures), unanswered (a long "
    "poll), closed; 5xx: such answers",
    "tailorbird_clients_refused_total": "requests refused by status, and connections ended: slow, idle (to make room)",
    "tailorbird_shed_total": "what was given up because there was too much to do: profile (a page is shown without "
    "it), request (503)",
    "tailorbird_workers_replaced_total": "workers that were replaced, by why: ended (or was killed), stalled, memory "
    "(it held too much), failed (did not start); not those of a rolling restart",
    "tailorbird_access_log_lost_total": "requests whose line in the access log could not be written",
    "tailorbird_loop_late_total": "times the event loop was late, by how much: over 50 ms, 250 ms, 1000 ms",
}

GAUGES = {
    "tailorbird_clients": "client connections that are open",
    "tailorbird_cache_bytes": "memory that stored answers take, all workers together",
    "tailorbird_cache_limit_bytes": "memory that they may take: `cache_bytes`, less while memory is short",
    "tailorbird_cache_addresses": "addresses of which an answer is stored, once for each worker that has one",
    "tailorbird_memory_bytes": "memory held, all workers together",
    "tailorbird_memory_limit_bytes": "memory that may be held, all workers together; 0: no limit is known",
    "tailorbird_origin_limit": "requests that may be under way to an origin at once, as found out, by origin",
    "tailorbird_origin_requests": "requests that are under way to an origin, by origin",
    "tailorbird_origin_slow_downloads": "answers of an origin that wait for slow clients, and count no more, by origin",
    "tailorbird_origin_waiting": "requests that wait for their turn with an origin, by origin",
    "tailorbird_workers": "workers of this machine that answer",
    "tailorbird_degraded": "1 while `/readyz` says that something is amiss, by cause: rules, store, events, memory, "
    "origin (it is left alone after failures), workers (one does not answer, or has older rules)",
    "tailorbird_rules_info": "always 1; its label is the version of the rules that this machine serves",
    "tailorbird_rules_paused": "rules that are paused, each for itself, with its slot or with everything",
    "tailorbird_rule_problems": "problems in the rule folder as it is now; with any, what was good last serves",
    "tailorbird_certificate_expiry_timestamp_seconds": "when a certificate ends, in Unix seconds: `tls_certificate`, "
    "`origin_certificate` as the workers have read them, and that of each https origin as it showed it last",
    "tailorbird_build_info": "always 1; its label is the version that runs",
}
FROM_ZERO: dict[str, tuple[str, tuple[str, ...]]] = {
    "tailorbird_requests_total": ("result", ("personalised", "default", "asset", "bypass", "error")),
    "tailorbird_answers_total": ("status", ("2xx", "3xx", "4xx", "5xx", "gone")),
    "tailorbird_cache_requests_total": ("status", ("hit", "stale", "collapsed", "stored", "bypass", "method", "error")),
    "tailorbird_profile_lookups_total": (
        "outcome",
        ("memory", "store", "unknown", "damaged", "timeout", "error", "open", "busy", "shed"),
    ),
    "tailorbird_cookies_ignored_total": ("why", ("key", "content")),
    "tailorbird_parts_total": ("outcome", ("ok", "failed", "late", "error", "left alone")),
    "tailorbird_decide_errors_total": ("", ("",)),
    "tailorbird_views_recorded_total": ("outcome", ("kept", "lost")),
    "tailorbird_events_total": (
        "outcome",
        ("applied", "repeated", "bot", "unwanted", "busy", "failed", "lost", "too much"),
    ),
    "tailorbird_store_lost_total": ("", ("",)),
    "tailorbird_webhook_messages_total": ("outcome", ("sent", "failed", "given up")),
    "tailorbird_rules_reloads_total": ("outcome", ("live", "refused")),
    "tailorbird_cache_evicted_total": ("", ("",)),
    "tailorbird_origin_errors_total": (
        "reason",
        (
            "5xx",
            "refused",
            "certificate",
            "tls",
            "timeout",
            "reset",
            "truncated",
            "malformed",
            "overload",
            "share",
            "left-alone",
        ),
    ),
    "tailorbird_shed_total": ("what", ("profile", "request")),
    "tailorbird_workers_replaced_total": ("why", ("ended", "stalled", "memory", "failed")),
    "tailorbird_access_log_lost_total": ("", ("",)),
    "tailorbird_loop_late_total": ("over", ("50 ms", "250 ms", "1000 ms")),
}
"""Counters, with their label and its values, that are told as 0 before they are counted: to Prometheus a rise from
nothing is none, and the first failure would wake nobody."""

EARLIEST = ("tailorbird_certificate_expiry_timestamp_seconds",)
"""Gauges whose value for all workers is the least of theirs; of the others it is the sum."""

HISTOGRAMS = {
    "tailorbird_answer_seconds": "how long a client waited until its answer began; from memory: not at all",
    "tailorbird_origin_seconds": "how long an origin took to begin its answer, by origin",
}
