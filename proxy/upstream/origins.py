"""The origins of a site, and which of them a path belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from proxy.environment import mistaken
from proxy.errors import must_be_none, raised_by
from proxy.metrics import Metrics
from proxy.settings import Settings
from proxy.upstream.limiter import Limiter
from proxy.upstream.origin import OriginTransport

GAUGES = {
    "tailorbird_origin_limit": "limit",
    "tailorbird_origin_requests": "under_way",
    "tailorbird_origin_slow_downloads": "aside",
    "tailorbird_origin_waiting": "waiting",
}
"""The gauges of an origin's limiter, with the attributes they are read from."""


class Origins:
    """One transport for each row: `https://shop.example` for everything, `/api=https://api.example` for a part. Paths
    are passed on unchanged. `metrics` has how each origin does; answers of 5xx are counted there.

    Raises `OperatorError` for each row that is neither, a path given twice, and when no row is for everything.
    """

    def __init__(self, rows: Sequence[str], settings: Settings, metrics: Metrics | None = None) -> None:
        errors = None if metrics is None else metrics.tally("tailorbird_origin_errors_total", "reason", "5xx")
        transports: dict[bytes, OriginTransport] = {}

        def add(row: str) -> None:
            prefix, url = _parsed(row)
            if prefix in transports:
                raise mistaken("origin", f"`{row}`: this path has an origin already", help="write one for each path")
            transports[prefix] = OriginTransport(url, settings, errors)

        must_be_none(raised_by(partial(add, row) for row in rows))
        if b"" not in transports:
            raise mistaken(
                "origin", "no origin for the whole site", help="add one without a path: https://shop.example"
            )
        self._main = transports.pop(b"")
        self._parts = sorted(transports.items(), key=lambda part: len(part[0]), reverse=True)
        if metrics is not None:
            self._measure(metrics)

    def of(self, path: bytes) -> OriginTransport:
        """The origin with the longest prefix that `path` is at or below: `/api` has `/api/x`, not `/apical`."""
        for prefix, transport in self._parts:
            if path.startswith(prefix) and path[len(prefix) :][:1] in (b"", b"/"):
                return transport
        return self._main

    def _measure(self, metrics: Metrics) -> None:
        for address, limiter in self.limiters.items():
            metrics.watch("tailorbird_origin_seconds", limiter.times, address)
            for name, what in GAUGES.items():
                metrics.gauge(name, partial(getattr, limiter, what), "origin", address)

    @property
    def certificate_expiries(self) -> Mapping[str, Callable[[], int]]:
        """Of each https origin, by its address: tells when the certificate ends that it showed last, in Unix seconds; 0
        if it showed none within a day."""
        return {str(one.address): one.dialing.certificate_expiry for one in self._all if one.address.scheme == "https"}

    @property
    def limiters(self) -> Mapping[str, Limiter]:
        """Where requests to each origin wait for their turn, by its address."""
        return {str(each.address): each.limiter for each in self._all}

    @property
    def left_alone(self) -> Sequence[str]:
        """Of each origin that keeps failing, and is asked only now and then, how it failed last."""
        breakers = [each.breaker for each in self._all]
        return [breaker.failure for breaker in breakers if breaker.is_open]

    @property
    def are_strained(self) -> bool:
        """True while requests wait for their turn."""
        return any(limiter.waiting for limiter in self.limiters.values())

    async def aclose(self) -> None:
        """Closes idle connections and refuses new work."""
        for transport in self._all:
            await transport.aclose()

    @property
    def _all(self) -> Sequence[OriginTransport]:
        return [self._main, *(transport for _, transport in self._parts)]


def _parsed(row: str) -> tuple[bytes, str]:
    if not row.startswith("/"):
        return b"", row
    prefix, equals, url = row.partition("=")
    if not equals:
        raise mistaken("origin", f"`{row}` has no URL", help=f"write {row}=https://shop.example")
    return prefix.rstrip("/").encode(), url
