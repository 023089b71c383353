"""The decision API, beside pages: slots without their page, decisions for other channels, lists. Decided by whoever
shows pages to visitors, or by a preview."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proxy.http.message import Handler, Request
from proxy.metrics import Metrics
from proxy.serve.decide_api import DecideApi
from proxy.serve.decisions import Decides
from proxy.serve.ofrep import Ofrep
from proxy.serve.pages import Entry
from proxy.serve.rank import Rank
from proxy.serve.slots import Slots
from proxy.settings import Settings

PATHS = (
    "/_tb/slots",
    "/_tb/slot/",
    "/_tb/rank",
    "/_tb/decide",
    "/_tb/ofrep/v1/evaluate/flags",
    "/_tb/ofrep/v1/evaluate/flags/",
)


def api_routes(
    showing: Decides,
    kept: Callable[[Request], Entry | None],
    metrics: Metrics,
    settings: Settings,
    clock: Callable[[], float],
) -> dict[str, Handler]:
    """All handlers, by path. `kept` gives the page that a request is for, where it is kept."""
    common = showing, metrics, settings, clock
    parts = Slots(showing, kept, settings, clock), Rank(*common), DecideApi(*common), Ofrep(*common)
    return {path: handler for part in parts for path, handler in part.routes.items()}


def is_api(path: bytes) -> bool:
    """Whether one of our own paths tells what is decided."""
    written = path.decode("latin-1")
    return written in PATHS or any(written.startswith(above) for above in PATHS if above.endswith("/"))


def handler_at(routes: Mapping[str, Handler], path: str) -> Handler | None:
    """Whose path it is, or one above it that ends in `/`."""
    above = [prefix for prefix in routes if prefix.endswith("/") and path.startswith(prefix)]
    return routes.get(path) or routes.get(max(above, key=len, default=""))
