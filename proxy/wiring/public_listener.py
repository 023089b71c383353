"""The public listener: what speaks with visitors, joined from its parts."""

from __future__ import annotations

import socket
from functools import partial

from proxy.metrics import Metrics
from proxy.processes.listener import Certificate, Listener
from proxy.serve.accesslog import AccessLog
from proxy.serve.admission import Admission
from proxy.serve.app import App
from proxy.serve.gateway import Gateway
from proxy.serve.handshake import SecuredServer
from proxy.serve.protocol import protocols
from proxy.serve.tunnel import tunnels
from proxy.settings import Settings
from proxy.upstream.origins import Origins


def public_listener(
    app: App,
    gateway: Gateway,
    origins: Origins,
    settings: Settings,
    metrics: Metrics,
    accesslog: AccessLog | None,
    *,
    host: str = "",
    port: int = 0,
    bound: socket.socket | None = None,
) -> Listener:
    """At an address or on a bound socket."""
    admission = Admission(settings)
    protocol = protocols(
        app.at_once,
        app.begins,
        settings,
        metrics,
        repeat_hit=gateway.repeat_hit,
        start_quick=app.start_quick,
        accesslog=accesslog,
        admission=admission,
    )
    return Listener(
        "proxy",
        app,
        host,
        port,
        bound=bound,
        protocol=protocol,
        websockets=tunnels(origins, settings, metrics, accesslog),
        certificate=Certificate(settings.tls_certificate, settings.tls_key) if settings.tls_certificate else None,
        over_tls=partial(SecuredServer, admission, settings.head_seconds),
        drain_seconds=settings.drain_seconds,
        backlog=settings.backlog,
        on_stop=app.long_polls.stop,
    )
