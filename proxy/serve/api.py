"""The decision API, beside pages: slots without their page, decisions for other channels, lists. Decided by whoever
shows pages to visitors, or by a preview."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proxy.http.message import Handler, Request
from proxy.metrics import Metrics
from proxy.serve.decide_api import DecideApi
from proxy.serve.ofrep import ONE_FLAG, Ofrep
from proxy.serve.pages import Entry
from proxy.serve.rank import Rank
from proxy.serve.showing_as import Shows
from proxy.serve.slots import ONE_SLOT, Slots
from proxy.settings import Settings

API = (b"/_tb/slot", b"/_tb/rank", b"/_tb/decide", b"/_tb/ofrep/")
"""What the paths of all handlers begin with."""


def api_routes(
    showing: Shows,
    kept: Callable[[Request], Entry | None],
    metrics: Metrics,
    settings: Settings,
    clock: Callable[[], float],
) -> dict[str, Handler]:
    """All handlers, by path. `kept` gives the page that a request is for, where it is kept."""
    common = showing, metrics, settings, clock
    slots, ofrep = Slots(showing, kept, settings, clock).answer, Ofrep(*common).answer
    return {
        "/_tb/slots": slots,
        ONE_SLOT: slots,
        "/_tb/rank": Rank(*common).answer,
        "/_tb/decide": DecideApi(*common).answer,
        ONE_FLAG.removesuffix("/"): ofrep,
        ONE_FLAG: ofrep,
    }


def handler_at(routes: Mapping[str, Handler], path: str) -> Handler | None:
    """Whose path it is, or one above it that ends in `/`."""
    above = [prefix for prefix in routes if prefix.endswith("/") and path.startswith(prefix)]
    return routes.get(path) or routes.get(max(above, key=len, default=""))
