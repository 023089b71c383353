"""What systemd hands to a service, and what it is told. It may have bound the sockets (sd_listen_fds(3)): then who
connects while the service starts anew waits, and is not refused. It may want to hear when the service is ready, when
it replaces its workers, and when it stops (sd_notify(3)).
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Iterator
from typing import NamedTuple

from proxy.errors import OperatorError

log = logging.getLogger("tailorbird.processes")

FIRST_DESCRIPTOR = 3
STUDIO = "studio"
READY, STOPPING = "READY=1", "STOPPING=1"


class Passed(NamedTuple):
    """The listening sockets that systemd passed; None for one that it did not."""

    public: socket.socket | None = None
    studio: socket.socket | None = None


def passed() -> Passed:
    """The sockets passed to this process: the studio's is the one called so (`FileDescriptorName=studio`). To be asked
    once. Raises `OperatorError` for any that are not one of each."""
    names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    if pid != str(os.getpid()):
        return Passed()
    found: dict[str, socket.socket] = {}
    for number in range(int(count)):
        kind = STUDIO if names[number : number + 1] == [STUDIO] else "public"
        if kind in found:
            raise OperatorError(
                f"systemd passes several sockets of the {kind} listener",
                help="have one `ListenStream=`; the studio's unit says `FileDescriptorName=studio`",
            )
        found[kind] = _listening(FIRST_DESCRIPTOR + number)
    return Passed(**found)


def _listening(descriptor: int) -> socket.socket:
    os.set_inheritable(descriptor, False)
    bound = socket.socket(fileno=descriptor)
    is_tcp = bound.family in (socket.AF_INET, socket.AF_INET6) and bound.type == socket.SOCK_STREAM
    if not is_tcp or not bound.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise OperatorError(
            "systemd passes a socket that takes no connections over TCP",
            help="write `ListenStream=` with an address and a port, and `Accept=no`",
        )
    return bound


@contextlib.contextmanager
def reloading() -> Iterator[None]:
    """Tells systemd that workers are being replaced, and in the end that it is over, whichever then serve."""
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1_000}")
    try:
        yield
    finally:
        notify(READY)


def notify(word: str) -> None:
    """Tells systemd, if it wants to know."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
            telling.sendto(word.encode(), "\0" + address[1:] if address.startswith("@") else address)
    except OSError as error:
        log.warning("systemd could not be told %s: %s", word.partition("\n")[0], error.strerror)
