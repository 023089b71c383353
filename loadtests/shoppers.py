"""What the shoppers of `shop.py` do, without Locust: which addresses they open, which cookies they keep, when their
next page is due. Calculation only."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

LOGGED = re.compile(r'"GET (\S+) HTTP/[\d.]+" (\d{3})')
"""A request in the common or combined log format, as nginx and Apache write it."""
LINK = re.compile(r'href="(/(?!/)[^"#]*)')
PRODUCT = re.compile(r'data-product="([^"]+)"')
SLOT = re.compile(r'data-slot="([^"]+)"|<tb-slot [^>]*name="([^"]+)"')
NO_PAGE = re.compile(r"\.(?!html?$|php$)[a-z0-9]{2,5}$", re.IGNORECASE)
"""How the addresses of pictures, styles and scripts end."""
OUR_OWN = "/_tb/"


def addresses_of(lines: Iterable[str]) -> list[str]:
    """The pages that a list or an access log names, each as often as it does: so they are opened as often as in the
    shop. A line is an address (`/p/1`, or with `https://` and the host), or one of a log: the common or combined
    format, or JSON as ours. Of a log what was not answered with 200 or 304 is left out."""
    return [address for line in lines if (address := _address(line.strip())) and is_page(address)]


def _address(line: str) -> str:
    if line.startswith("{"):
        said = json.loads(line)
        is_good = said.get("method") == "GET" and said.get("status") in (200, 304)
        return str(said.get("target", "")) if is_good else ""
    if found := LOGGED.search(line):
        return found[1] if found[2] in ("200", "304") else ""
    if line.startswith(("http://", "https://")):
        place = urlsplit(line)
        return (place.path or "/") + (f"?{place.query}" if place.query else "")
    return line if line.startswith("/") and " " not in line else ""


def is_page(address: str) -> bool:
    """Whether it may be a page: not a picture or a script, and nothing of Tailorbird's own."""
    path = address.partition("?")[0]
    return not path.startswith(OUR_OWN) and not NO_PAGE.search(path)


def linked_from(page: str) -> list[str]:
    """The pages of the same shop that a page links to, each once."""
    found = (address.replace("&amp;", "&") for address in LINK.findall(page))
    return sorted({address for address in found if is_page(address)})


def name_of(address: str) -> str:
    """What a table calls such pages: `/p/*` for `/p/1`. A row for each of many addresses tells nobody anything."""
    first, _, more = address.partition("?")[0].strip("/").partition("/")
    return f"/{first}/*" if more else f"/{first}"


class Jar:
    """The cookies of one browser. It is kept by hand, since `Secure` ones are not sent back over plain HTTP by others,
    and then each page would be a new visitor's."""

    def __init__(self, pairs: Iterable[str] = ()) -> None:
        self._values = dict(_pair(pair) for pair in pairs if pair)

    def take(self, set_cookies: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Keeps what an answer sets, and forgets what it ends; yields the names and values that are new here."""
        for line in set_cookies:
            name, value = _pair(line)
            if not value or re.search(r";\s*max-age=(0|-\d+)\s*(;|$)", line, re.IGNORECASE):
                self._values.pop(name, None)
            elif self._values.get(name) != value:
                self._values[name] = value
                yield name, value

    @property
    def header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._values.items())


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition(";")[0].partition("=")
    return name.strip(), value.strip()


class Pace:
    """When each page of one user is due, in seconds of the clock: so many a second on average, at random, whether or
    not the last one was answered yet. So a server that stalls finds all that would have come meanwhile, and what is
    late counts from when it was due: otherwise a stall of ten seconds is one slow answer of many fast ones."""

    def __init__(self, rate: float, now: float, chance: random.Random) -> None:
        self._rate, self._chance = rate, chance
        self.due = now + chance.expovariate(rate)

    def wait(self, now: float) -> float:
        """The seconds until the next one is due; 0 where it is late."""
        return max(0.0, self.due - now)

    def took_ms(self, now: float) -> float:
        """How long the one that is due now took; the next one becomes due."""
        took = 1_000 * max(0.0, now - self.due)
        self.due += self._chance.expovariate(self._rate)
        return took

    def postpone(self, seconds: float) -> None:
        """Puts off what is due by what the user did otherwise, which is no page's time."""
        self.due += seconds


def slots_of(page: str) -> list[str]:
    """The slots that the page's own HTML names, each once."""
    return sorted({attribute or tag for attribute, tag in SLOT.findall(page)})


def missing(page: str, decided: Sequence[str]) -> list[str]:
    """Which of the contents that were decided for this visitor the page does not show."""
    return [content for content in decided if content not in page]


def times_of(counted: Iterable[Mapping[Any, int]]) -> Counter[int]:
    """How many answers took so many milliseconds, of several rows of Locust's together."""
    times = Counter[int]()
    for one in counted:
        times.update({int(ms): count for ms, count in one.items()})
    return times


def ms_of(times: Counter[int], part: int) -> int:
    """What so many of 100 answers took at most; 0 where there were none."""
    seen, wanted = 0, times.total() * part / 100
    for ms in sorted(times):
        seen += times[ms]
        if seen >= wanted:
            return ms
    return 0


def breaches(p99_ms: float, failed: float, requests: int, *, most_ms: float, most_failed: float) -> list[str]:
    """What a run did not keep, in words: 99 of 100 within so many milliseconds (0: any), and the part of requests that
    may fail."""
    if not requests:
        return ["nothing was asked"]
    slow = f"99 of 100 took up to {p99_ms:.0f} ms, more than {most_ms:g}" if 0 < most_ms < p99_ms else ""
    bad = f"{failed:.2%} of requests failed, more than {most_failed:.2%}" if failed > most_failed else ""
    return [said for said in (slow, bad) if said]
