"""The zygote of the workers of `tailorbird serve --workers N`, and a worker's life; their supervisor starts it, nobody
else does.

    python -m proxy.cli.worker BUS_FOLDER PUBLIC_FD ADMIN_FD LINE_FD

Its settings come from the environment whole. `ADMIN_FD` is -1 for no admin listener. `LINE_FD` is its end of the
supervisor's line. What a worker imports is imported here, before the first one is forked.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import uvloop

from proxy.cli.mistakes import unfit
from proxy.cli.options import settings_now
from proxy.cli.serve import Places, serve
from proxy.errors import TailorbirdError, must_be_none
from proxy.garbage import collector_paused
from proxy.processes import logs
from proxy.processes.liveness import beat
from proxy.processes.supervisor import ALIVE, BEAT_SECONDS, READY
from proxy.processes.zygote import fork_workers
from proxy.settings import Settings
from proxy.stores import modules_of

IMPORTED_LATE = ("proxy.studio.app", "proxy.wiring", "anyio._backends._asyncio", "uvicorn.lifespan.off")
"""What a worker asks for only once it serves; and the store's own modules."""


def main(arguments: list[str]) -> None:
    """Forks workers until the supervisor is gone, and they are."""
    folder, *numbers = arguments
    public, admin, line = map(int, numbers)
    try:
        settings = settings_now()
        with collector_paused():
            must_be_none(unfit(settings))
            logs.set_up(settings.log_level, settings.log_format)
            for module in (*IMPORTED_LATE, *modules_of(settings.store)):
                import_module(module)
    except TailorbirdError as error:
        sys.exit("\n".join(f"tailorbird: {line}" for line in str(error).splitlines()))
    sockets = [number for number in (public, admin) if number >= 0]
    fork_workers(socket.socket(fileno=line), partial(live, settings, Path(folder), public, admin), sockets)


def live(settings: Settings, folder: Path, public: int, admin: int, pipe: int) -> None:
    """Serves until told to stop, or left alone."""
    places = Places(socket.socket(fileno=public), socket.socket(fileno=admin) if admin >= 0 else None)

    async def say_so() -> None:
        await beat(pipe, READY, ALIVE, BEAT_SECONDS, on_end=lambda: os.kill(os.getpid(), signal.SIGUSR1))

    try:
        uvloop.run(serve(settings, places, folder=folder, beside=say_so))
    except TailorbirdError as error:
        sys.exit(f"tailorbird: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
