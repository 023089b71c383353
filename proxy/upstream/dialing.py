"""Opens connections to an origin, and says why when there is none."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

from proxy.errors import OriginError
from proxy.http.authority import Address
from proxy.settings import Settings
from proxy.upstream.connection import Connection
from proxy.upstream.timeouts import Timeouts
from proxy.upstream.tls import client_tls, no_tls


class Dialing:
    """Opens connections to the origin at `address`, by the settings' times and certificates."""

    def __init__(self, address: Address, settings: Settings, timeouts: Timeouts) -> None:
        self._address = address
        self._tls = client_tls(settings) if address.scheme == "https" else None
        self._name = (settings.origin_name or address.host) if self._tls else None
        self._seconds = settings.connect_timeout_ms / 1_000
        self._timeouts = timeouts

    async def dial(self, on_lost: Callable[[Connection], None]) -> Connection:
        """A new connection; `on_lost` is called at its end. Raises `OriginError`."""
        connection = Connection(on_lost)
        host, port = self._address.host, self._address.port
        loop = asyncio.get_running_loop()
        try:
            async with self._timeouts.within(self._seconds):
                await loop.create_connection(lambda: connection, host, port, ssl=self._tls, server_hostname=self._name)
        except BaseException as error:
            connection.abort()  # it may have connected just before the timeout or the cancellation
            if isinstance(error, Exception):  # whatever it is, who waits for the answer has to be told
                raise self._why(error) from error
            raise
        return connection

    def _why(self, error: Exception) -> OriginError:
        who = f"origin `{self._address}`"
        if isinstance(error, ssl.SSLError):
            return no_tls(error, who)
        if isinstance(error, TimeoutError):
            return OriginError(f"{who} did not connect in time", reason="timeout", status=504)
        if isinstance(error, socket.gaierror):
            return OriginError(f"{who} has no address: {error.strerror}", reason="refused")
        return OriginError(f"{who} refused the connection: {str(error) or 'it closed it at once'}", reason="refused")
