"""What every page of the shop shares: HTML out of `templates/`, and the style sheet, script and pictures it names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path

from minijinja import Environment, Markup, load_from_path
from starlette.requests import Request
from starlette.responses import Response

from proxy.demo import answers
from proxy.demo.catalogue import Catalogue

STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"
STATIC_FILES = ("icon.svg", "shop.css", "shop.js")
MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

FOR_EVER = "public, max-age=31536000, immutable"
AN_HOUR = "public, max-age=3600"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as served, with the fingerprint of its bytes."""

    body: bytes
    media_type: str
    version: str


class Assets:
    """Every file by its path on the site: `/static/shop.css`, `/img/SKU-1042.svg`.

    A page names a file with a fingerprint of its bytes (`/static/shop.css?v=1f0c...`), so that answer may be kept for
    ever. The bare address works too, for texts that cannot know the fingerprint, and is kept for an hour.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._assets = {path: _asset(path, body) for path, body in files.items()}

    def address(self, path: str) -> str:
        """The address to put into a page, fingerprint included. Raises KeyError when there is no such file."""
        return f"{path}?v={self._assets[path].version}"

    async def serve(self, request: Request) -> Response:
        """The file at the request's path; 404 when there is none."""
        asset = self._assets.get(request.scope["path"])
        if asset is None:
            return Response("not found", 404, {"Cache-Control": "public, max-age=60"}, "text/plain")
        kept = FOR_EVER if request.query_params.get("v") == asset.version else AN_HOUR
        return answers.cacheable(request, asset.body, asset.media_type, kept)


def static_files() -> dict[str, bytes]:
    """The shop's own files of `static/`, by their path on the site."""
    return {f"/static/{name}": (STATIC / name).read_bytes() for name in STATIC_FILES}


def _asset(path: str, body: bytes) -> Asset:
    return Asset(body, MEDIA_TYPES[Path(path).suffix], hashlib.sha256(body).hexdigest()[:12])


class Pages:
    """Renders pages by template name. Autoescaped, and a name a template does not know is an error, not a blank."""

    def __init__(self, catalogue: Catalogue, assets: Assets) -> None:
        self._environment = Environment(
            loader=load_from_path([str(TEMPLATES)]),
            filters={"money": money, "day": day, "href": href, "asset": lambda path: href(assets.address(path))},
            globals={"departments": catalogue.top(), "shop_name": "Northwind Trail & Table"},
            auto_escape_callback=lambda name: True,
            undefined_behavior="strict",
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, template: str, context: Mapping[str, object]) -> bytes:
        return self._environment.render_template(template, **context).encode()


def money(amount: float) -> str:
    """€1,249.00"""
    return f"€{amount:,.2f}"


def day(when: date) -> str:
    """25 November 2026"""
    return f"{when.day} {when:%B %Y}"


def href(address: str) -> Markup:
    """An address of ours for an attribute. The built-in escape would write every slash as `&#x2f;`."""
    return Markup(escape(address))
