"""Varnish: the page and its fragments in memory, compressed once, put together by ESI and delivered in gzip."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from loadtests.stage import held_port, running
from loadtests.storefront import CHOICE_COOKIE

VCL = Path(__file__).with_name("varnish.vcl")


def is_installed() -> bool:
    """True when there is a Varnish."""
    return shutil.which("varnishd") is not None


@contextlib.contextmanager
def varnish(origin: str, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Varnish in front of the origin; its URL and process."""
    place = Path(tempfile.mkdtemp(dir=folder))
    host, _, port_of_origin = origin.removeprefix("http://").partition(":")
    vcl = VCL.read_text().replace("@{host}", host).replace("@{port}", port_of_origin)
    (place / "page.vcl").write_text(vcl.replace("@{cookie}", CHOICE_COOKIE.decode()))
    command = [
        "varnishd", "-F", "-j", "none", "-n", str(place / "work"), "-f", str(place / "page.vcl"),
        "-s", "malloc,256m", "-p", "gzip_level=6", "-a",
    ]  # fmt: skip
    with open(place / "log", "wb") as log, held_port() as port:
        url = f"http://127.0.0.1:{port}"
        with running([*command, f"127.0.0.1:{port}"], ready=url, log=log) as process:
            yield url, process
