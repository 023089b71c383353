"""An API's answer tells which events its client is to send when what it brings is shown: so results hear of both arms,
and of who is held out, though the body says nothing of them."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from proxy.audience.results import exposures_in
from tests.wire.behind import Behind
from tests.wire.origin import Origin, by_path, ok

RULES = """version: 1
experiments:
  - name: Caf\u00e9s first
    listing: search
    variants:
      - {name: control, show: nothing new}
      - {name: theirs, pin: {product: C}}
  - name: In any case
    listing: found
    variants:
      - {name: control, show: nothing new}
      - {name: theirs, pin: {product: A}}
rules:
  - name: Held
    slot: home.hero
    holdout: 50%
    show: {banner: {title: Hello}}
"""
SLOTS = """
slots:
  home.hero: {page: /api/*, json: $.hero}
listings:
  search: {page: /api/*, json: $.hits}
  found: {page: /api/*, json: $.found}
"""
FOLDER = {"a.rules.yaml": RULES, "slots.yaml": SLOTS}
BODY = b'{"hero": null, "hits": [{"id": "A"}, {"id": "B"}, {"id": "C"}], "found": [{"id": "A"}, {"id": "B"}]}'
JSON = b"content-type: application/json"
API = by_path(
    {
        b"/api/kept": ok(BODY, JSON, b"cache-control: max-age=600"),
        b"/api/own": ok(BODY, JSON, b"cache-control: private"),
    }
)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
OURS = {"sec-fetch-site": "same-origin", "user-agent": CHROME, "accept": "*/*"}


@pytest.mark.parametrize("path", ["/api/kept", "/api/own"])
async def test_results_hear_of_every_arm_of_an_apis_answer_by_the_events_that_it_tells(
    path: str, tmp_path: Path
) -> None:
    bodies, seen = defaultdict[str, set[str]](set), dict[str, set[str]]()
    async with Origin(API) as origin, Behind(origin.url, FOLDER, tmp_path, allowed_hosts=("127.0.0.1",)) as shop:
        for number in range(12):
            headers = {**shop.cookies_of(f"v{number}"), **OURS}
            answer = await shop.client.get(path, headers=headers)
            assert "set-cookie" not in answer.headers
            events: list[dict[str, Any]] = json.loads(answer.headers["tailorbird-exposures"])
            for event in events:
                sent = await shop.client.post("/_tb/v1/track", content=json.dumps(event), headers=headers)
                assert sent.json() == {"success": True}
            again = await shop.client.get(path, headers={**headers, "if-none-match": answer.headers["etag"]})
            assert again.status_code == 304
            bodies[answer.headers["tailorbird-exposures"]].add(answer.text)
        log = (await shop.tailorbird.store.log("", 1_000))[0]
        for arrival in log:
            for exposure in exposures_in(arrival):
                seen.setdefault(exposure.rule, set()).add(exposure.group)
    assert seen == {"Caf\u00e9s first": {"control", "theirs"}, "Held": {"shown", "held out"}}
    assert len(bodies) == 4 and all(len(one) == 1 for one in bodies.values())


async def test_only_an_answer_that_has_something_to_tell_tells_it(tmp_path: Path) -> None:
    body = BODY.replace(b'"hero"', b'"other"').replace(b'"hits"', b'"others"')
    async with Origin(by_path({b"/api/kept": ok(body, JSON)})) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        answer = await shop.client.get("/api/kept", headers={**shop.cookies_of("v1"), **OURS})
        assert "tailorbird-exposures" not in answer.headers and answer.headers["etag"]
