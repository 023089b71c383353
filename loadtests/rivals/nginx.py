"""nginx, set as one who cares would set it: one worker, buffers that hold a whole page, no stalls, no log.

`origin` is the shop behind everybody (on the load's core); `static` serves the page as a file, compressed beforehand;
`includes` keeps the page and its fragments in `proxy_cache`, puts them together by SSI and compresses with gzip 1;
`passing` hands every request to the origin.
"""

from __future__ import annotations

import contextlib
import getpass
import gzip
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from string import Template

from loadtests.stage import held_port, running
from loadtests.storefront import CHOICE_COOKIE, SLOTS, Storefront

HERE = Path(__file__).parent


class _Config(Template):
    """A configuration with `@{name}` to fill in: `$name` is nginx's own."""

    delimiter = "@"


def is_installed() -> bool:
    """True when there is an nginx."""
    return shutil.which("nginx") is not None


@contextlib.contextmanager
def nginx(server: str, folder: Path, *, core: int = 0, **values: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """nginx with one of the server blocks beside this file; its URL and process. It keeps its files in `folder`."""
    place = Path(tempfile.mkdtemp(dir=folder))
    command = ["nginx", "-p", str(place), "-e", "error.log", "-c", "nginx.conf"]
    with held_port() as port:
        block = _Config((HERE / f"nginx-{server}.conf").read_text()).substitute(values, place=place, port=port)
        frame = _Config((HERE / "nginx.conf").read_text())
        (place / "nginx.conf").write_text(frame.substitute(place=place, user=getpass.getuser(), server=block))
        url = f"http://127.0.0.1:{port}"
        with running(command, ready=url, core=core) as process:
            yield url, process


def own_page(page: bytes, said: bytes) -> bytes:
    """The page with something at its end that is its visitor's own."""
    return page.replace(b"</body>", b"<p>%b</p></body>" % said)


def write_site(store: Storefront, folder: Path) -> None:
    """What the origin has: the page with its slots, and with includes in the words of SSI and ESI; fragments."""
    pages = {
        "index.html": store.page(),
        "private/slots.html": store.page(),
        "private/plain.html": store.page().replace(b"data-slot", b"data-place"),
        "private/own.html": own_page(store.page(), b'<!--# echo var="cookie_%b" -->' % CHOICE_COOKIE),
        "ssi.html": store.with_each(lambda slot: b'<!--# include virtual="/f/%d/$v%d" -->' % (slot, slot)),
        "esi.html": store.with_each(lambda slot: b'<esi:include src="/f/%d/"/>' % slot),
    }
    for slot, variants in enumerate(store.fragments):
        pages |= {f"f/{slot}/{variant}": fragment for variant, fragment in enumerate(variants)}
    for name, body in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)


@contextlib.contextmanager
def origin(store: Storefront, folder: Path, *, core: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The shop."""
    site = Path(tempfile.mkdtemp(dir=folder))
    write_site(store, site)
    with nginx("origin", folder, core=core, site=str(site)) as server:
        yield server


@contextlib.contextmanager
def static(page: bytes, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The page as a file, as it is and compressed."""
    site = Path(tempfile.mkdtemp(dir=folder))
    (site / "index.html").write_bytes(page)
    (site / "index.html.gz").write_bytes(gzip.compress(page, 6, mtime=0))
    with nginx("static", folder, site=str(site)) as server:
        yield server


@contextlib.contextmanager
def includes(origin: str, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The cached page with fragments by the visitor's cookie."""
    cookie = CHOICE_COOKIE.decode()
    maps = [f'map $cookie_{cookie} $v{slot} {{ "~^.{{{slot}}}(?<d{slot}>.)" $d{slot}; }}' for slot in range(len(SLOTS))]
    with nginx("includes", folder, origin=origin.removeprefix("http://"), maps="\n".join(maps)) as server:
        yield server


@contextlib.contextmanager
def passing(origin: str, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Each request handed on."""
    with nginx("passing", folder, origin=origin.removeprefix("http://")) as server:
        yield server
