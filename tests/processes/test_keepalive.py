"""Who is gone without a word is found out by the system."""

from __future__ import annotations

import socket

import pytest

from proxy.processes.listener import bind


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="this system has no options for it")
def test_the_system_looks_whether_a_silent_client_is_still_there() -> None:
    bound = bind("one", "127.0.0.1", 0)
    with bound, socket.create_connection(bound.getsockname()), bound.accept()[0] as connection:
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        of_tcp = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert [connection.getsockopt(socket.IPPROTO_TCP, option) for option in of_tcp] == [60, 15, 4]
