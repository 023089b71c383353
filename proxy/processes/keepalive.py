"""TCP keep-alive: the system finds out within two minutes that the other end of a silent connection is gone, as after
a power cut, or where a firewall has forgotten it."""

from __future__ import annotations

import socket

_OPTIONS = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, option), value)
        for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
        if hasattr(socket, option)
    ),
]


def keep_alive(end: socket.socket) -> None:
    """Turns it on for a connection, or for all that a listening socket will accept."""
    for level, option, value in _OPTIONS:
        end.setsockopt(level, option, value)
