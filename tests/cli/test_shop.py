"""`tailorbird shop` tells a taken port in one line; the shop itself is tested in tests/demo."""

from __future__ import annotations

import socket

from click.testing import CliRunner

from proxy.cli import tailorbird


def test_a_taken_port_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        result = CliRunner().invoke(tailorbird, ["shop", "--port", port])
    assert result.exit_code == 1
    assert f"cannot open `127.0.0.1:{port}` for the shop" in result.output
