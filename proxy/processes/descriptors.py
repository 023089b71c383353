"""How many files and connections this process may have open (RLIMIT_NOFILE): 1,024 on most systems, unless raised.

Its law: `max_clients` is a promise that idle connections are closed for new ones. Without a free descriptor no
connection can be accepted at all, so no idle one is closed, and neither the origin nor the log can be reached. So the
limit is raised to what the settings need, and `max_clients` is reduced if the system allows less; where little is left,
clients and origins have half of it each.
"""

from __future__ import annotations

import contextlib
import logging
import resource
from dataclasses import replace

from proxy.settings import Settings

log = logging.getLogger("tailorbird.processes")

OTHERS = 128
"""Listeners, rule files, logs, a SQLite store's, and what is between workers."""

KINDS_OF_STORE_CONNECTIONS = 4


def within_reach(settings: Settings) -> Settings:
    """The settings, with `max_clients` reduced to what this process may open after its limit was raised,
    `max_slow_downloads` and `max_connections` where that is very little."""
    origins = (settings.max_connections + settings.max_slow_downloads) * _origins(settings)
    fewer = fitting(settings, _raised_to(_others(settings) + origins + settings.max_clients))
    if fewer is not settings:
        log.warning(
            "%d clients at most are taken, not %d, on %d connections to an origin and %d for slow downloads: the "
            "system allows no more open files and connections (raise it by `ulimit -Hn`, LimitNOFILE in systemd, "
            "--ulimit nofile= in Docker)",
            *(fewer.max_clients, settings.max_clients, fewer.max_connections, fewer.max_slow_downloads),
        )
    return fewer


def fitting(settings: Settings, limit: int) -> Settings:
    """The settings for a process that may open so many descriptors."""
    left, origins = limit - _others(settings), _origins(settings)
    if settings.max_clients + (settings.max_connections + settings.max_slow_downloads) * origins <= left:
        return settings
    connections = min(settings.max_connections, max(1, left // 2 // origins))
    clients = min(settings.max_clients, max(1, left - connections * origins))
    slow = min(settings.max_slow_downloads, max(0, (left - clients) // origins - connections))
    return replace(settings, max_clients=clients, max_connections=connections, max_slow_downloads=slow)


def _origins(settings: Settings) -> int:
    return max(1, len(settings.origin))


def _others(settings: Settings) -> int:
    is_file = settings.store.startswith("sqlite:")
    return OTHERS + (0 if is_file else settings.store_connections * KINDS_OF_STORE_CONNECTIONS)


def _raised_to(wanted: int) -> int:
    """The limit of open descriptors, after trying to raise it to this many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(ValueError, OSError):  # some systems give less than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
