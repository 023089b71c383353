"""Who is looked at, when, and what is found, on both stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from proxy.audience.consent import LEVEL
from proxy.metrics import Metrics
from proxy.model import Arrival, Delivery, Event, Item, Profile
from proxy.outbox import follower as following
from proxy.outbox.follower import CHANGES, SWEEP_SECONDS, Follower
from proxy.outbox.unfinished import READ_SECONDS
from proxy.ports import LONGEST_CHANGE_SECONDS, Outbox, Store
from proxy.rulebook.compile import Publication, load
from proxy.rulebook.webhookfile import Webhook
from proxy.stores import open_outbox, open_store
from proxy.stores.joining import join
from tests.contracts.test_profile_store import overwrite
from tests.contracts.test_started_changes import crash
from tests.wire.storage import STORES, storage

NOON = 1_795_435_200.0
DAY, HOUR = 86_400.0, 3_600.0
LOOKERS = "segments: {Lookers: {when: {viewed: {times: at least 2, within: 14 days}}}%s}\nrules: []\n"
LEFT = ", Left: {when: {added to cart: {within: 2 days, then not: bought within 2 hours}}}"
CDP = Webhook("cdp", "https://cdp.example/", "a secret of some length")


def rules(more: str = "") -> Publication:
    publication = load({"a.rules.yaml": (LOOKERS % more).encode()}).publication
    assert publication is not None
    return publication


def did(visitor: str, number: int, at: float, kind: str = "product viewed") -> Arrival:
    return Arrival(visitor, Event(at, f"web:{number}", kind, "/", (Item("A"),)), "web", at)


def no_consent(visitor: str, at: float) -> Arrival:
    """The visitor does not agree to be known any more."""
    return Arrival(visitor, Event(at, f"consent:{at}", "identified"), "web", at, traits={LEVEL: "none"})


class Bench:
    """A follower on a clock that stands still, and what it found, in order."""

    def __init__(self, url: str, *webhooks: Webhook) -> None:
        self.url = url
        self.store: Store = open_store(url)
        self.outbox: Outbox = open_outbox(url)
        self.now = NOON
        self.publication: Publication | None = rules()
        self.metrics = Metrics()
        self.follower = self.another("me", *webhooks or (CDP,))

    def another(self, name: str, *webhooks: Webhook) -> Follower:
        return Follower(
            name, self.store, self.outbox, webhooks, lambda: self.publication, self.metrics, lambda: self.now
        )

    async def found(self, webhook: str = "cdp") -> list[tuple[str, str, bool, float]]:
        """What is to be told after everybody was looked at who should be; none of it waits then."""
        assert await self.outbox.lead("me", self.now, 60.0)
        for _ in range(100):
            if not await self.follower.step():
                break
        else:
            raise AssertionError("it never rests")
        told = await self.outbox.oldest(webhook, 1_000)
        await self.outbox.done(told)
        return [(one.visitor_id, one.segment, one.entered, one.at - NOON) for one in told]


@pytest.fixture(params=STORES)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with storage(request.param, tmp_path) as url:
        bench = Bench(url)
        yield bench
        await bench.outbox.aclose()
        await bench.store.aclose()


async def test_existing_members_are_announced_once_and_new_ones_as_they_enter(bench: Bench) -> None:
    await bench.store.apply([did("anna", 1, NOON - 60), did("anna", 2, NOON - 50), did("ben", 1, NOON - 60)])
    assert await bench.found() == [("anna", "Lookers", True, 0)]
    assert await bench.found() == []
    bench.now += 10
    await bench.store.apply([did("ben", 2, bench.now)])
    assert await bench.found() == [("ben", "Lookers", True, 10)]
    assert bench.metrics.by_value(CHANGES) == {"entered": 2}


async def test_leaving_is_told_at_the_moment_the_window_ends_without_an_event(bench: Bench) -> None:
    await bench.store.apply([did("anna", 1, NOON - 10 * DAY), did("anna", 2, NOON - 50)])
    assert await bench.found() == [("anna", "Lookers", True, 0)]
    bench.now = NOON + 4 * DAY - 0.001
    assert await bench.found() == []
    bench.now = NOON + 4 * DAY + 0.4
    assert await bench.found() == [("anna", "Lookers", False, 4 * DAY)]
    bench.now = NOON + 40 * DAY
    assert await bench.found() == []
    assert await bench.outbox.stored_of(["anna"]) == ([], []), "a visitor in no segment has no standing"


async def test_entering_by_what_did_not_happen_is_told_when_it_is_too_late_for_it(bench: Bench) -> None:
    bench.publication = rules(LEFT)
    await bench.store.apply([did("anna", 1, NOON - 60, "product added"), did("ben", 1, NOON - 60, "product added")])
    assert await bench.found() == []
    bench.now = NOON + HOUR
    await bench.store.apply([did("ben", 2, bench.now, "order completed")])
    assert await bench.found() == []
    bench.now = NOON + 2 * HOUR - 59.5
    assert await bench.found() == [("anna", "Left", True, 2 * HOUR - 60)]
    bench.now += 60
    await bench.store.apply([did("anna", 2, bench.now, "product viewed")])
    assert await bench.found() == []


async def test_nobody_is_told_of_by_night_and_in_the_morning_only_of_who_still_waits(bench: Bench) -> None:
    by_day = "added to cart: {within: 16 hours, then not: bought within 4 hours}, hours: between 09:00 and 21:00"
    bench.publication = rules(f", Remind: {{when: {{cart total: more than 0, {by_day}}}}}")
    evening = NOON + 8 * HOUR
    for visitor in ("anna", "ben"):
        event = Event(evening, "web:1", "product added", "/", (Item("A", price=9.0),))
        await bench.store.apply([Arrival(visitor, event, "web", evening)])
    bench.now = evening + 5 * HOUR
    assert await bench.found() == []
    await bench.store.apply([did("ben", 2, bench.now, "order completed")])
    told = []
    while bench.now < NOON + 2 * DAY:
        bench.now += HOUR / 2
        told += await bench.found()
    assert told == [("anna", "Remind", True, 21 * HOUR), ("anna", "Remind", False, 24 * HOUR)]


async def test_a_failure_for_one_visitor_does_not_delay_others_and_is_logged_without_their_id(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.publication = rules(", Rich: {when: {cart total: at least 1000}}")
    dear = tuple(Item(product, price=1e308) for product in "AB")  # no sum can be made of it
    added = [
        Arrival(one, Event(NOON - 60, "web:1", "product added", "", dear), "web", NOON - 60)
        for one in ("qz7-a", "qz7-z")
    ]
    await bench.store.apply([*added, did("mia", 1, NOON - 60), did("mia", 2, NOON - 50)])
    assert await bench.found() == [("mia", "Lookers", True, 0)]
    assert bench.metrics.get("tailorbird_decide_errors_total") == 2
    assert caplog.text.count("could not be evaluated") == 2 and "qz7" not in caplog.text


async def test_other_rules_are_asked_of_everybody(bench: Bench) -> None:
    everybody = [did(f"v{number}", 1, NOON - 5, "product added") for number in range(450)]
    await bench.store.apply(everybody)
    assert await bench.found() == []
    bench.publication = rules(", Adders: {when: {added to cart: {within: 1 day}}}")
    assert len(await bench.found()) == 450
    bench.publication = rules()
    assert await bench.found() == [], "a segment that is no more was left by nobody"
    bench.publication = rules(", Adders: {when: {added to cart: {within: 1 day}}}")
    assert len(await bench.found()) == 450


async def test_a_webhook_that_is_new_hears_of_who_is_in(bench: Bench) -> None:
    await bench.store.apply([did("anna", 1, NOON - 60), did("anna", 2, NOON - 50)])
    assert len(await bench.found()) == 1
    bench.follower = bench.another("me", CDP, Webhook("mail", "https://mail.example/", "s" * 16))
    assert await bench.found("mail") == [("anna", "Lookers", True, 0)]
    assert await bench.found("cdp") == []
    await bench.outbox.put("me", [], [_for("mail")], None, bench.now)
    bench.follower = bench.another("me", CDP)
    assert await bench.found("mail") == [], "and one that is no more hears nothing"


def _for(webhook: str) -> Delivery:
    return Delivery("m", webhook, "anna", "Lookers", True, NOON, NOON)


async def test_what_a_device_is_in_its_person_is(bench: Bench) -> None:
    await bench.store.apply([did("laptop", 1, NOON - 60), did("laptop", 2, NOON - 50)])
    assert await bench.found() == [("laptop", "Lookers", True, 0)]
    await join(bench.store, "laptop", "anna", NOON)
    assert await bench.found() == [("anna", "Lookers", True, 0)], "and nobody left"
    bench.now = NOON + 14 * DAY - 60
    assert await bench.found() == [("anna", "Lookers", False, 14 * DAY - 60)]


async def test_erased_visitors_are_not_announced_any_more(bench: Bench) -> None:
    await bench.store.apply([did("anna", 1, NOON - 60), did("anna", 2, NOON - 50)])
    assert len(await bench.found()) == 1
    await bench.store.apply([did("ben", 1, NOON - 60), did("ben", 2, NOON - 50)])
    await bench.store.mark_erased(["anna", "ben"], NOON + 1)
    await bench.outbox.erase(["anna", "ben"])
    await bench.store.erase(["anna", "ben"], NOON + 1)
    bench.now += 20 * DAY
    assert await bench.found() == []
    assert await bench.outbox.stored_of(["anna", "ben"]) == ([], [])


async def test_withdrawn_consent_leaves_segments_and_given_again_returns(bench: Bench) -> None:
    def agreed(number: int, level: str) -> Arrival:
        event = Event(bench.now, f"page:{number}", "identified")
        return Arrival("anna", event, "page", bench.now, {LEVEL: level})

    await bench.store.apply([did("anna", 1, NOON - 60), did("anna", 2, NOON - 50)])
    assert len(await bench.found()) == 1
    for number, (level, entered) in enumerate([("session", False), ("contextual", None), ("profile", True)]):
        bench.now += 10
        await bench.store.apply([agreed(number, level)])
        assert [one[2] for one in await bench.found()] == ([] if entered is None else [entered]), level
        bench.now += 10
        await bench.store.put_profiles([Profile("anna", {"tier": f"{number}"}, updated_at=bench.now)])
        assert await bench.found() == [], "an import says nothing of consent"


async def test_who_withdraws_consent_is_not_told_to_have_entered_what_still_waits_or_was_given_up(bench: Bench) -> None:
    await bench.store.apply([did(who, n, NOON - 60 + n) for who in ("anna", "ben", "carl") for n in range(2)])
    assert await bench.outbox.lead("me", NOON, 60.0)
    while await bench.follower.step():
        pass
    waiting = {one.visitor_id: one for one in await bench.outbox.oldest("cdp", 10)}
    assert sorted(waiting) == ["anna", "ben", "carl"]
    await bench.outbox.give_up(msgspec.structs.replace(waiting["ben"], reason="it answered 410"))
    bench.now += 60
    await bench.store.apply([no_consent(who, bench.now) for who in ("anna", "ben")])
    assert await bench.found() == [
        ("carl", "Lookers", True, 0),
        ("anna", "Lookers", False, 60),
        ("ben", "Lookers", False, 60),
    ]
    assert await bench.outbox.given_up() == []


async def test_who_had_left_all_segments_before_they_withdrew_consent_is_not_told_of_either(bench: Bench) -> None:
    await bench.store.apply([did("anna", 1, NOON - 13 * DAY), did("anna", 2, NOON - 12 * DAY)])
    assert await bench.outbox.lead("me", NOON, 60.0)
    while await bench.follower.step():
        pass
    bench.now = NOON + 3 * DAY
    assert await bench.outbox.lead("me", bench.now, 60.0)
    while await bench.follower.step():
        pass
    assert [one.entered for one in await bench.outbox.oldest("cdp", 10)] == [True, False]
    await bench.store.apply([no_consent("anna", bench.now)])
    assert [entered for _, _, entered, _ in await bench.found()] == [False]


async def test_visitors_whose_events_are_withdrawn_leave_the_segment(bench: Bench) -> None:
    await bench.store.apply([did("anna", 1, NOON - 60), did("anna", 2, NOON - 50)])
    assert len(await bench.found()) == 1
    await bench.store.withdraw({"anna": ["web:1", "web:2"]})
    bench.now += SWEEP_SECONDS
    assert await bench.found() == [("anna", "Lookers", False, SWEEP_SECONDS)]


async def test_what_a_crash_kept_out_of_the_log_is_told_a_moment_later(bench: Bench) -> None:
    await bench.store.apply([did("anna", 1, NOON - 60)])
    assert await bench.found() == []
    await crash(bench.store, did("anna", 2, NOON - 50))
    bench.now += READ_SECONDS
    assert await bench.found() == []
    bench.now += LONGEST_CHANGE_SECONDS
    await bench.store.apply([did("anna", 2, NOON - 50)])  # its sender sends it again, and the store has it
    assert await bench.found() == [("anna", "Lookers", True, READ_SECONDS + LONGEST_CHANGE_SECONDS)]


async def test_another_process_goes_on_where_the_first_was(bench: Bench) -> None:
    await bench.store.apply([did("anna", 1, NOON - 60), did("anna", 2, NOON - 50)])
    assert len(await bench.found()) == 1
    await bench.store.apply([did("ben", 1, NOON - 60), did("ben", 2, NOON - 50)])
    bench.follower = bench.another("me", CDP)
    assert await bench.found() == [("ben", "Lookers", True, 0)]


async def test_after_days_without_anybody_everybody_is_looked_at_and_the_log_is_followed_from_now(bench: Bench) -> None:
    assert await bench.found() == []
    await bench.store.apply([did(f"v{number}", event, NOON - event) for number in range(300) for event in (1, 2)])
    bench.now += 3 * SWEEP_SECONDS
    assert len(await bench.found()) == 300
    assert (await bench.outbox.progress()).place == await bench.store.end_of_log()
    await bench.store.apply([did("anna", 1, bench.now), did("anna", 2, bench.now)])
    assert await bench.found() == [("anna", "Lookers", True, 3 * SWEEP_SECONDS)]


@pytest.mark.parametrize("later", [10, -8])
async def test_when_too_much_waits_nobody_is_looked_at_and_nothing_is_lost(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, later: int
) -> None:
    monkeypatch.setattr(following, "MOST_WAITING", 1)
    assert await bench.found() == []
    await bench.outbox.put("me", [], [_for("cdp")], None, NOON)
    await bench.store.apply([did("anna", 1, NOON - 60), did("anna", 2, NOON - 50)])
    bench.now += 10
    assert [visitor for visitor, *_ in await bench.found()] == ["anna"], "the one that waited"
    assert await bench.outbox.stored_of(["anna"]) == ([], [])
    bench.now += later
    assert await bench.found() == [("anna", "Lookers", True, 10 + later)]


async def test_a_profile_that_cannot_be_read_stops_nobody_and_left_nothing(bench: Bench) -> None:
    await bench.store.put_profiles([Profile("anna", {"orders": 4.0}, frozenset(), NOON)])
    bench.publication = load(
        {"a.rules.yaml": b"segments: {Buyers: {when: {orders: at least 4}}}\nrules: []"}
    ).publication
    assert await bench.found() == [("anna", "Buyers", True, 0)]
    await overwrite(bench.url.partition("?")[0], "anna", b"noise")
    await bench.store.put_profiles([Profile("ben", {"orders": 4.0}, frozenset(), NOON)])
    bench.now += SWEEP_SECONDS
    assert [one[:3] for one in await bench.found()] == [("ben", "Buyers", True)]
