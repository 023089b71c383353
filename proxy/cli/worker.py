"""One worker process of `tailorbird serve --workers N`; its supervisor starts it, nobody else does.

    python -m proxy.cli.worker BUS_FOLDER PUBLIC_FD ADMIN_FD PIPE_FD

Its settings come from the environment whole. `ADMIN_FD` is -1 for no admin listener.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import uvloop

from proxy.cli.serve import Places, logs, serve
from proxy.environment import from_environment
from proxy.errors import TailorbirdError
from proxy.serve.supervisor import ALIVE, BEAT_SECONDS, READY
from proxy.serve.vitals import beat


def main(arguments: list[str]) -> None:
    """Serves until told to stop, or left alone."""
    folder, public, admin, pipe = arguments[0], *map(int, arguments[1:])
    logs()
    os.set_inheritable(pipe, False)
    places = Places(socket.socket(fileno=public), socket.socket(fileno=admin) if admin >= 0 else None)

    async def life() -> None:
        os.write(pipe, READY)
        await beat(pipe, ALIVE, BEAT_SECONDS, on_end=lambda: os.kill(os.getpid(), signal.SIGUSR1))

    try:
        uvloop.run(serve(from_environment(os.environ), places, folder=Path(folder), beside=life))
    except TailorbirdError as error:
        sys.exit(f"tailorbird: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
