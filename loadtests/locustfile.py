"""Shoppers walking the demo shop behind Tailorbird, for Locust.

Three kinds: the anonymous, those with a signed segment cookie, and those of whom only the visitor cookie is known, so
that the profile has to be looked up. By hand, beside a running `make demo`:

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8080

`make load` runs it headless and bounded, twice: personalised, and passed through by a Tailorbird without rules.
Settings from the environment: `LOAD_RATE` requests per second of each user, `LOAD_WALK` `shop` or `home`,
`LOAD_CODING` `gzip` or `identity`, `LOAD_RESULT` a file that gets the numbers as JSON when the run ends.
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import Any

from locust import constant_throughput, events, tag, task
from locust.contrib.fasthttp import FastHttpUser

RATE = float(os.environ.get("LOAD_RATE", "2"))
ONLY_HOME = os.environ.get("LOAD_WALK", "shop") == "home"
PEOPLE = ("anna", "ben", "cleo", "dan")
CODING = os.environ.get("LOAD_CODING", "gzip")
BROWSER = {"accept": "text/html", "accept-encoding": CODING, "user-agent": "Mozilla/5.0 (load test)"}
SEARCHES = ("running", "mustard", "lamp", "trail")


class Shopper(FastHttpUser):
    """Walks: home, a listing, a product; now and then a search or the cart. Reads where to go from the pages."""

    abstract = True
    wait_time = constant_throughput(RATE)
    connection_timeout = network_timeout = 20.0

    def see(self, path: str, name: str) -> bytes:
        """Fetches a page; an answer that is not a whole HTML page is a failure."""
        with self.client.get(path, name=name, headers=BROWSER, catch_response=True) as answer:
            page: bytes = answer.content or b""
            if answer.status_code != 200 or not page.endswith((b"</html>", b"</html>\n")):
                answer.failure(f"not a whole page: {answer.status_code}")
            return page

    @task(4 if not ONLY_HOME else 1)
    def home(self) -> None:
        self.see("/", "home")

    @tag("walk")
    @task(0 if ONLY_HOME else 4)
    def browse(self) -> None:
        listing = random.choice(LISTINGS)
        page = self.see(listing, "listing")
        products = sorted({part.split(b'"', 1)[0].decode() for part in page.split(b'href="/p/')[1:]})
        if products:
            self.see("/p/" + random.choice(products), "product")

    @task(0 if ONLY_HOME else 1)
    def search(self) -> None:
        self.see("/search?q=" + random.choice(SEARCHES), "search")

    @task(0 if ONLY_HOME else 1)
    def cart(self) -> None:
        self.see("/cart", "cart")


LISTINGS: list[str] = ["/"]


class Anonymous(Shopper):
    """Nobody we know: contextual rules only."""

    weight = 2


class SegmentCookie(Shopper):
    """Known by the signed visitor and segment cookies."""

    weight = 2

    def on_start(self) -> None:
        self.become(random.choice(PEOPLE))

    def become(self, person: str) -> None:
        """Takes that person's cookies, as the demo's toolbar does."""
        self.client.get(f"/_tb/demo/as/{person}", name="(become)", allow_redirects=False)


class ProfileLookup(SegmentCookie):
    """Known by the visitor cookie alone: what the rules ask comes from the store."""

    weight = 2

    def on_start(self) -> None:
        self.become(random.choice(PEOPLE))
        for cookie in list(self.client.cookiejar):
            if cookie.name.endswith("tb_s"):
                self.client.cookiejar.clear(cookie.domain, cookie.path, cookie.name)


@events.test_start.add_listener
def find_listings(environment: Any, **_: Any) -> None:
    """The listings that the home page links to."""
    import urllib.request

    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # as `FastHttpUser`: by no proxy
    with direct.open(environment.host + "/", timeout=20) as answer:
        page = answer.read().decode()
    found = sorted({"/c/" + part.split('"', 1)[0] for part in page.split('href="/c/')[1:]})
    LISTINGS[:] = found or ["/"]
    environment.started = (time.monotonic(), time.process_time())


@events.quitting.add_listener
def write_result(environment: Any, **_: Any) -> None:
    """The numbers as JSON, with the share of a core that Locust itself used."""
    target = os.environ.get("LOAD_RESULT")
    if not target or not hasattr(environment, "started"):
        return
    wall, cpu = time.monotonic() - environment.started[0], time.process_time() - environment.started[1]
    entries = [entry for entry in environment.stats.entries.values() if entry.name != "(become)"]
    rows = [row_of(entry) for entry in [*sorted(entries, key=lambda entry: entry.name), environment.stats.total]]
    Path(target).write_text(json.dumps({"rows": rows, "locust_cpu": round(cpu / wall, 3)}))


def row_of(entry: Any) -> dict[str, Any]:
    """One line of the table: milliseconds, requests per second."""
    return {
        "name": entry.name,
        "requests": entry.num_requests,
        "rate": round(entry.total_rps, 1),
        **{f"p{share}": entry.get_response_time_percentile(share / 100) for share in (50, 95, 99)},
        "failures": entry.num_failures,
    }
