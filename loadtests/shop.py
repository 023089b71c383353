"""Shoppers in a shop of your own, for Locust: addresses from a list or an access log, visitors who are new or whose
signed cookies are known, events, a rate that does not wait for a server that stalls, and limits that fail the run.

    TAILORBIRD_SECRET=... locust -f loadtests/shop.py --host https://staging.example --addresses access.log \\
        --users 200 --rate 0.5 --known 0.4 --run-time 5m --headless --csv out --html out.html --most-ms 300

`loadtests/README.md` says what each option is for.
"""

from __future__ import annotations

import itertools
import random
import re
import secrets
import time
import urllib.request
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import gevent
from locust import events, task
from locust.contrib.fasthttp import FastHttpUser
from locust.runners import WorkerRunner

from loadtests.shoppers import (
    PRODUCT,
    Jar,
    Pace,
    addresses_of,
    breaches,
    linked_from,
    missing,
    ms_of,
    name_of,
    slots_of,
    times_of,
)
from proxy.cli.options import settings_now
from proxy.errors import OperatorError
from proxy.visitors.visitor import Cookies

BROWSER = {
    "accept": "text/html",
    "user-agent": "Mozilla/5.0 (load test)",  # what names a tool here is a bot, and counts nowhere
    "sec-fetch-site": "same-origin",
    "sec-fetch-dest": "document",
}
EVENT, CHECK, OTHER, UNANSWERED = "(event)", "(check)", "other: ", "(unanswered)"
GIVEN_UP_MS = 1_000
"""A page that was due, or asked for, so long before the end of the run, and was not answered, is a failure."""
ENDED_AT: list[float] = []
VERDICT: list[str] = []
"""What is said at the very end, below Locust's tables."""
NUMBERS = itertools.count()
ADDRESSES: list[str] = []
IDS: list[str] = []
SLOTS: dict[str, list[str]] = {}
GIVEN: dict[str, int] = {}
"""Which browser got a visitor's cookie first, of those of this process."""


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """The options beside Locust's own; each may come from the environment, too, as `LOAD_ADDRESSES`."""

    def add(name: str, default: Any, help: str, metavar: str = "") -> None:
        variable = "LOAD_" + name.replace("-", "_").upper()
        made = type(default) if default is not False else None
        shape = {"action": "store_true"} if made is None else {"type": made, "metavar": metavar or made.__name__}
        parser.add_argument(f"--{name}", default=default, env_var=variable, help=help, **shape)

    add("addresses", "", "a list of addresses, or an access log; without it, what the home page links to", "FILE")
    add("skip", "", "leave out addresses in which this regular expression is found, as `/logout|/cart/add`", "REGEX")
    add("rate", 0.0, "pages a second of each user, whether or not the last one was answered; 0: as --think says")
    add("think", "2-8", "seconds between an answer and the next page", "FROM-TO")
    add("pages", 8.0, "pages that a visitor opens on average; then the user is another visitor")
    add("known", 0.0, "the part of visitors who come with signed cookies, by TAILORBIRD_SECRET")
    add("visitors", "", "a file with their ids, one a line; without it they are random", "FILE")
    add("segments", "", "the segments that their cookies vouch for", "NAME,NAME")
    add("cookie", "", "a cookie of everybody, as that of a consent tool", "NAME=VALUE")
    add("coding", "gzip", "what browsers say they take: gzip, or identity")
    add("demo", False, "cookies without `__Host-`, as the demo's")
    add("event-share", 0.0, "the part of pages after which an event is sent")
    add("check-share", 0.0, "the part of pages that are compared with what /_tb/decide says of their visitor")
    add("against", "", "half of the users open the same pages there, for comparison: the shop itself, say", "URL")
    add("most-ms", 0.0, "fail the run if 99 of 100 pages take longer; 0: any time")
    add("most-failed", 0.001, "fail the run if a larger part of requests fails")


class Shopper(FastHttpUser):
    """A browser: one visitor after another, each with cookies of their own."""

    connection_timeout = network_timeout = 30.0

    def on_start(self) -> None:
        self.said = self.environment.parsed_options
        self.client.cookiejar.set_policy(Nowhere())
        self.pace = Pace(self.said.rate, time.perf_counter(), random.Random()) if self.said.rate else None
        self.left, self.asked_at = 0, inf
        self.other = self.said.against if next(NUMBERS) % 2 else ""
        if self.pace:
            gevent.sleep(self.pace.wait(time.perf_counter()))

    def on_stop(self) -> None:
        """Counts the pages that are due or asked for, and not answered when the run ends, by how long they have waited:
        else a server that stalls until then has no slow page."""
        now = min(ENDED_AT, default=time.perf_counter())  # ending takes a while, in which more pages would become due
        while self.pace and self.pace.due <= now:
            self.tell_unanswered(self.pace.took_ms(now))
        if not self.pace and self.asked_at <= now:
            self.tell_unanswered(1_000 * (now - self.asked_at))

    def tell_unanswered(self, ms: float) -> None:
        problem = "not answered when the run ended" if ms > GIVEN_UP_MS else None
        told = {"request_type": "GET", "name": (OTHER if self.other else "") + UNANSWERED, "response_time": ms}
        self.environment.events.request.fire(**told, response_length=0, exception=problem, context={})

    def wait_time(self) -> float:
        if self.pace:
            return self.pace.wait(time.perf_counter())
        low, _, high = self.said.think.partition("-")
        return random.uniform(float(low), float(high or low))

    @task
    def page(self) -> None:
        """The next page of this visitor, or the first of another."""
        if self.left <= 0:
            self.left = random.expovariate(1 / self.said.pages)
            self.jar = Jar([self.said.cookie, *known_cookies(self.said)])
        self.left -= 1
        address = random.choice(ADDRESSES)
        is_checked = not self.other and random.random() < self.said.check_share
        decided = self.aside(self.decided, address) if is_checked else []
        name = (OTHER if self.other else "") + name_of(address)
        self.asked_at = time.perf_counter()
        with self.asked("GET", self.other + address, name) as answer:
            self.asked_at = inf
            if self.pace:
                answer.request_meta["response_time"] = self.pace.took_ms(time.perf_counter())
            page = answer.text or ""
            SLOTS[address] = slots_of(page)
            if problem := self.problem_of(answer, page, decided):
                answer.failure(problem)
        if not self.other and random.random() < self.said.event_share:
            self.aside(self.tell, page)

    def aside(self, do: Callable[[str], Any], about: str) -> Any:
        """Does something that is no page."""
        began = time.perf_counter()
        done = do(about)
        if self.pace:
            self.pace.postpone(time.perf_counter() - began)
        return done

    def asked(self, method: str, address: str, name: str, **more: Any) -> Any:
        headers = {**BROWSER, "accept-encoding": self.said.coding}
        if self.jar.header:
            headers["cookie"] = self.jar.header
        return self.client.request(
            method, address, name=name, headers=headers, catch_response=True, allow_redirects=False, **more
        )

    def problem_of(self, answer: Any, page: str, decided: list[str]) -> str:
        """What is wrong with a page; "" for nothing. A visitor's cookie that somebody else has got is the worst of all:
        then an answer was kept that was one visitor's."""
        if not 200 <= answer.status_code < 400:
            return f"status {answer.status_code}"
        if someone_elses(self, answer):
            return "the visitor's cookie of another browser"
        if answer.status_code == 200 and "text/html" in (answer.headers.get("content-type") or ""):
            if not page.rstrip().endswith("</html>"):
                return "not a whole page"
            if missing(page, decided):
                return "the page does not show what is decided for its visitor"
        return ""

    def decided(self, address: str) -> list[str]:
        """The contents that are decided for the visitor in the slots that the page had when it was opened before."""
        if not SLOTS.get(address):
            return []
        body = {"slots": SLOTS[address], "context": {"page": address}}
        with self.asked("POST", "/_tb/decide", CHECK, json=body) as answer:
            if answer.status_code != 200:
                answer.failure(f"status {answer.status_code}")
                return []
            someone_elses(self, answer)
            decisions = answer.json()["decisions"].values()
            return [one["value"]["html"] for one in decisions if one["value"] and "html" in one["value"]]

    def tell(self, page: str) -> None:
        """An event, as the shop's page sends one: a product of the page was put into the cart."""
        products = PRODUCT.findall(page)
        said = {"event": "Load Tested", "messageId": secrets.token_hex(8)}
        if products:
            said |= {"event": "Product Added", "properties": {"product_id": random.choice(products)}}
        with self.asked("POST", "/_tb/v1/track?strict=1", EVENT, json=said) as answer:
            if answer.status_code != 200:
                answer.failure(f"status {answer.status_code}: {(answer.text or '')[:200]}")


class Nowhere:
    """A policy of cookies by which the client itself keeps none: `Jar` does."""

    netscape, rfc2965, hide_cookie2 = True, False, True

    def set_ok(self, *_: Any) -> bool:
        return False

    return_ok = domain_return_ok = path_return_ok = set_ok


def someone_elses(shopper: Shopper, answer: Any) -> bool:
    """Keeps the cookies of an answer; True if it brings a visitor's cookie that another browser has got."""
    taken = list(shopper.jar.take(answer.headers.get_all("set-cookie") or []))
    new = [value for name, value in taken if name.endswith("tb_v")]
    return any(GIVEN.setdefault(value, id(shopper.jar)) != id(shopper.jar) for value in new)


def known_cookies(said: Any) -> list[str]:
    """The signed cookies of the next visitor, where it is one who is known."""
    if random.random() >= said.known:
        return []
    cookies, now = Cookies.from_settings(settings_now(), is_demo=said.demo), time.time()
    visitor = random.choice(IDS) if IDS else secrets.token_hex(16)
    segments = [name.strip() for name in said.segments.split(",") if name.strip()]
    pairs = [cookies.visitor_pair(visitor, now)]
    pairs += [cookies.segments_pair(visitor, segments, now)] if segments else []
    return [pair.decode() for pair in pairs]


@events.test_start.add_listener
def get_ready(environment: Any, **_: Any) -> None:
    """Reads the files, here and in each worker."""
    said = environment.parsed_options
    IDS[:] = Path(said.visitors).read_text().split() if said.visitors else []
    ADDRESSES[:] = (
        addresses_of(Path(said.addresses).read_text().splitlines()) if said.addresses else linked(environment)
    )
    if said.skip:
        ADDRESSES[:] = [address for address in ADDRESSES if not re.search(said.skip, address)]
    if not ADDRESSES:
        raise SystemExit(f"no page is named by {said.addresses or environment.host}: give --addresses FILE")
    try:
        Cookies.from_settings(settings_now()) if said.known else None
    except OperatorError as error:
        raise SystemExit(f"--known: {error}") from None


def linked(environment: Any) -> list[str]:
    """The pages that the home page links to. Raises `SystemExit` where it cannot be read."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # as `FastHttpUser`: by no proxy
    home = urllib.request.Request(environment.host + "/", headers={"accept": "text/html"})
    try:
        with direct.open(home, timeout=20) as page:
            return ["/", *linked_from(page.read().decode("utf-8", "replace"))]
    except OSError as error:
        raise SystemExit(f"{home.full_url} cannot be read: {error}; is --host right?") from None


@events.test_start.add_listener
def begin(**_: Any) -> None:
    ENDED_AT.clear()


@events.test_stopping.add_listener
def end(**_: Any) -> None:
    ENDED_AT.append(time.perf_counter())


@events.quitting.add_listener
def judge(environment: Any, **_: Any) -> None:
    """Fails the run (exit code 1) where it did not keep what was asked of it."""
    if isinstance(environment.runner, WorkerRunner):
        return
    environment.runner.stop()  # so that what is unanswered is counted, after Ctrl-C as well
    said, entries = environment.parsed_options, environment.stats.entries.values()
    pages = [one for one in entries if one.name not in (EVENT, CHECK)]
    ours, others = (
        times_of(one.response_times for one in pages if one.name.startswith(OTHER) is is_other)
        for is_other in (False, True)
    )
    if ours and others:
        told = (f"p{part} {ms_of(ours, part)} ms beside {ms_of(others, part)} ms" for part in (50, 95, 99))
        VERDICT.append(f"Beside {said.against}: {', '.join(told)}")
    mine = [one for one in entries if not one.name.startswith(OTHER)]
    asked, failed = sum(one.num_requests for one in mine), sum(one.num_failures for one in mine)
    found = breaches(ms_of(ours, 99), failed / max(1, asked), asked, most_ms=said.most_ms, most_failed=said.most_failed)
    found += [f"a fault of the script: {one['msg']}" for one in environment.runner.exceptions.values()]
    VERDICT.extend(f"NOT kept: {breach}" for breach in found)
    environment.process_exit_code = 1 if found else 0


@events.quit.add_listener
def tell(**_: Any) -> None:
    """Says at the end what was found."""
    for line in VERDICT:
        print(line, flush=True)
