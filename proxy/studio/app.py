"""The admin listener: studio pages, and what programs ask (`api.py`). Never mounted on the public listener.

Every route but `/livez` and `/readyz` wants the bearer token (or it as the password of HTTP Basic, so that a browser
can ask); only the demo on loopback runs without one, and then only for a Host that names this machine, so that a
foreign page cannot reach it by DNS rebinding.
"""

from __future__ import annotations

import hmac
import logging
from pathlib import Path
from typing import Any

import minijinja
import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from proxy.errors import OperatorError, RequestError, StoreError, TailorbirdError
from proxy.studio.api import api_routes, list_query, refused
from proxy.studio.forms import basic_of
from proxy.studio.looking import looking_routes
from proxy.studio.results import results_routes
from proxy.studio.roles import ONLY, ROLE, Others, Role
from proxy.studio.segments import segment_routes
from proxy.studio.versions import version_routes
from proxy.studio.views import Site, status_view
from proxy.studio.writing import writing_routes
from proxy.visitors.preview import Tokens

log = logging.getLogger("tailorbird.studio")

HERE = Path(__file__).parent
LOCAL_HOSTS = {"127.0.0.1", "localhost", "[::1]"}
OPEN_PATHS = {"/livez", "/readyz"}
HEADERS = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
NO_TOKEN = PlainTextResponse(
    "the admin listener wants its token\n", 401, {"www-authenticate": 'Basic realm="Tailorbird"', **HEADERS}
)
REFUSED = {role: PlainTextResponse(f"{said}\n", 403, HEADERS) for role, said in ONLY.items()}


def create_studio(
    site: Site,
    *,
    token: str,
    others: Others = Others(),
    may_write: bool = False,
    tokens: Tokens | None = None,
) -> Starlette:
    """The ASGI app of the admin listener. An empty `token` opens it to local Hosts only (the demo on loopback);
    `others` have tokens with which less is allowed. One `may_write` files of the rule folder there, or not; `tokens`
    signs links to previews."""
    pages = minijinja.Environment(
        loader=lambda name: (HERE / "templates" / name).read_text(encoding="utf-8"),
        auto_escape_callback=lambda name: True,
        undefined_behavior="strict",
    )

    def html(name: str, code: int = 200, **values: Any) -> Response:
        role = ROLE.get()
        is_role = {f"is_{each}": role is each for each in Role}
        return Response(
            pages.render_template(name, **is_role, writers_ask=others.writers_ask, **values),
            code,
            media_type="text/html",
        )

    async def home(request: Request) -> Response:
        status = await status_view(site, *list_query(request, page=1))
        return html("home.html", status=msgspec.to_builtins(status), links=msgspec.to_builtins(site.links))

    routes = [
        Route("/", home),
        *looking_routes(site, html, tokens),
        *writing_routes(site, html, may_write=may_write),
        *version_routes(site, html),
        *results_routes(site, html),
        *segment_routes(site, html),
        *api_routes(site),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]

    async def error_page(request: Request, error: Exception) -> Response:
        """The error as a page of the studio, for who opened one in a browser."""
        if isinstance(error, HTTPException):
            answer: Response = PlainTextResponse(error.detail, error.status_code, error.headers)
            said = "the studio has no such page" if error.status_code == 404 else error.detail
        else:
            answer = await refused(request, error)
            said = error.in_sentences if isinstance(error, TailorbirdError) else str(error)
        is_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        return html("error.html", answer.status_code, error=said) if is_page else answer

    handlers: Any = {
        RequestError: error_page,
        StoreError: error_page,
        OperatorError: error_page,
        HTTPException: error_page,
    }
    gate: Any = (Gate, (), {"token": token, "others": others})
    return Starlette(routes=routes, middleware=[gate], exception_handlers=handlers)


class Gate:
    """Admits a request by token, or without a token by a local Host; and sets the security headers of every answer. Who
    has another token gets what its role may."""

    def __init__(self, app: Any, token: str, others: Others) -> None:
        self.app = app
        self.token = token.encode()
        self.others = others

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        is_open = scope["path"] in OPEN_PATHS or self.is_allowed(headers)
        role = Role.OWNER if is_open else self.others.role_of(_offered(_authorization(headers)))
        if role is None and b"authorization" in headers:  # its words are not told: they may be a slip of the right ones
            log.warning("%s has no right token for the admin listener", (scope.get("client") or ("somebody",))[0])
        if role is None or not self.others.may(role, scope["method"], scope["path"]):
            await (REFUSED[role] if role else NO_TOKEN)(scope, receive, send)
            return
        ROLE.set(role)

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] += [
                    (name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in present
                ]
            await send(message)

        await self.app(scope, receive, send_guarded)

    def is_allowed(self, headers: dict[bytes, bytes]) -> bool:
        """True for the right token; without one, for a Host on this machine."""
        if not self.token:
            host = headers.get(b"host", b"").decode("latin-1")
            return host.rsplit(":", 1)[0] in LOCAL_HOSTS
        return hmac.compare_digest(_offered(_authorization(headers)), self.token)


def _authorization(headers: dict[bytes, bytes]) -> str:
    return headers.get(b"authorization", b"").decode("latin-1")


def _offered(authorization: str) -> bytes:
    scheme, _, value = authorization.partition(" ")
    return value.strip().encode("latin-1") if scheme.lower() == "bearer" else basic_of(authorization)[1]
