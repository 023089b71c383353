"""What every outbox promises (`ports.Outbox`), on the real thing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from math import inf

import pytest

from proxy.errors import StoreError
from proxy.model import Delivery, LogProgress, Standing
from proxy.ports import Failure, Outbox, Waiting
from proxy.stores import open_outbox, open_store, redis_outbox, sqlite_outbox

NOON = 1_795_435_200.0
ME = "me"


@pytest.fixture
async def outbox(url: str) -> AsyncIterator[Outbox]:
    await open_store(url).aclose()  # makes the file's folder, as `serve` does
    opened = open_outbox(url)
    assert await opened.lead("me", NOON, 3_600.0)
    yield opened
    await opened.aclose()


def to(webhook: str, number: int, visitor: str = "anna") -> Delivery:
    return Delivery(f"{webhook}-{number}", webhook, visitor, "VIP", bool(number % 2), NOON + number, NOON + number)


def standing(visitor: str, due_at: float = inf, *segments: str) -> Standing:
    return Standing(visitor, {"cdp": dict.fromkeys(segments, NOON)} if segments else {}, due_at)


async def test_what_is_put_comes_back_in_order(outbox: Outbox) -> None:
    anna, ben = standing("anna", NOON + 60, "VIP"), standing("ben", inf, "VIP")
    followed = LogProgress("17", "rules", NOON)
    await outbox.put(ME, [anna, ben], [to("cdp", 1), to("mail", 2), to("cdp", 3, "ben")], followed, NOON)
    await outbox.put(ME, [], [to("cdp", 4)], None, NOON)
    assert await outbox.standings(["anna", "ben", "cleo"]) == {"anna": anna, "ben": ben}
    assert sorted([one async for one in outbox.visitors()]) == ["anna", "ben"]
    assert await outbox.progress() == followed
    assert await outbox.oldest("cdp", 2) == [to("cdp", 1), to("cdp", 3, "ben")]
    assert await outbox.oldest("cdp", 9) == [to("cdp", 1), to("cdp", 3, "ben"), to("cdp", 4)]
    assert await outbox.counts() == {"cdp": Waiting(3, NOON + 1), "mail": Waiting(1, NOON + 2)}
    assert [await outbox.waiting(webhook) for webhook in ("cdp", "mail", "none")] == [3, 1, 0]


async def test_why_a_webhook_last_failed_is_told_while_what_was_tried_waits(outbox: Outbox) -> None:
    await outbox.put(ME, [], [to("cdp", 1), to("cdp", 9), to("mail", 1)], None, NOON)
    await outbox.note_failure("cdp", Failure(NOON + 2, "it answered 500"))
    await outbox.note_failure("cdp", Failure(NOON + 5, "it answered 503"))
    failing = Waiting(2, NOON + 1, 0, Failure(NOON + 5, "it answered 503"))
    assert await outbox.counts() == {"cdp": failing, "mail": Waiting(1, NOON + 1)}
    await outbox.done([to("cdp", 1)])
    assert (await outbox.counts())["cdp"] == Waiting(1, NOON + 9), "what waits now came after the failure"


async def test_what_is_delivered_waits_no_longer(outbox: Outbox) -> None:
    await outbox.put(ME, [], [to("cdp", 1), to("cdp", 2), to("cdp", 3)], None, NOON)
    await outbox.done([to("cdp", 1), to("cdp", 3)])
    assert await outbox.oldest("cdp", 9) == [to("cdp", 2)]
    await outbox.done([to("cdp", 2)])
    assert (await outbox.oldest("cdp", 9), await outbox.counts()) == ([], {})


async def test_due_visitors_are_listed_until_looked_at(outbox: Outbox) -> None:
    await outbox.put(ME, [standing("anna", NOON + 60), standing("ben", NOON + 30), standing("cleo")], [], None, NOON)
    assert await outbox.due(NOON + 29.999, 9) == []
    assert await outbox.due(NOON + 60, 9) == ["ben", "anna"]
    assert await outbox.due(NOON + 60, 1) == ["ben"]
    await outbox.put(ME, [standing("ben", NOON + 90), standing("anna")], [], None, NOON)
    assert await outbox.due(NOON + 60, 9) == []
    assert sorted([one async for one in outbox.visitors()]) == ["ben"], "who has nothing has no place"


async def test_what_is_given_up_can_be_read_and_sent_again(outbox: Outbox) -> None:
    await outbox.put(ME, [], [to("cdp", 1), to("cdp", 2)], None, NOON)
    refused = Delivery(*[getattr(to("cdp", 1), name) for name in Delivery.__struct_fields__[:-1]], "400")
    await outbox.give_up(refused)
    assert (await outbox.given_up(), await outbox.oldest("cdp", 9)) == ([refused], [to("cdp", 2)])
    assert await outbox.counts() == {"cdp": Waiting(1, NOON + 2, 1)}
    await outbox.requeue([refused, to("cdp", 9)], NOON + 50)
    assert await outbox.given_up() == []
    assert [(one.id, one.reason, one.queued_at) for one in await outbox.oldest("cdp", 9)] == [
        ("cdp-2", "", NOON + 2),
        ("cdp-1", "", NOON + 50),
    ]


async def test_of_what_is_given_up_the_newest_are_kept(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sqlite_outbox, redis_outbox):
        monkeypatch.setattr(module, "MOST_GIVEN_UP", 2)
    many = [to("cdp", number) for number in range(4)]
    await outbox.put(ME, [], many, None, NOON)
    for one in many:
        await outbox.give_up(one)
    assert await outbox.given_up() == many[2:]
    assert await outbox.oldest("cdp", 9) == []


async def test_one_process_has_the_lead_until_it_is_silent_for_too_long(outbox: Outbox, url: str) -> None:
    beside = open_outbox(url)
    assert await outbox.lead(ME, NOON, 0.2)
    assert not await beside.lead("two", NOON + 0.1, 0.2)
    assert await outbox.lead(ME, NOON + 0.1, 0.2)
    later = NOON + 1.0
    while not await beside.lead("two", later, 30.0):  # a server goes by its own clock
        later += 1.0
    assert not await outbox.lead(ME, later, 30.0)
    with pytest.raises(StoreError, match="another process"):
        await outbox.put(ME, [standing("anna", NOON, "VIP")], [to("cdp", 1)], None, NOON)
    assert await outbox.stored_of(["anna"]) == ([], []), "who was frozen and wakes up too late changes nothing"
    await beside.aclose()


async def test_a_lease_of_before_the_clock_was_set_back_keeps_nobody_from_the_lead(outbox: Outbox, url: str) -> None:
    beside = open_outbox(url)
    assert await outbox.lead(ME, NOON + 3_600.0, 0.2)
    await asyncio.sleep(0.3)  # a server goes by its own clock
    assert await beside.lead("two", NOON, 0.2)
    await beside.aclose()


async def test_erasing_forgets_all_of_a_visitor_and_nothing_of_others(outbox: Outbox) -> None:
    both = [standing("anna", NOON, "VIP"), standing("ben", NOON, "VIP")]
    await outbox.put(ME, both, [to("cdp", 1), to("cdp", 3)], None, NOON)
    await outbox.put(ME, [], [to("cdp", 4), to("cdp", 2, "ben")], None, NOON)
    await outbox.give_up(to("cdp", 4))
    standings, deliveries = await outbox.stored_of(["anna", "laptop"])
    assert ([one.visitor_id for one in standings], len(deliveries)) == (["anna"], 3)
    assert await outbox.erase(["anna", "laptop"]) == 4
    assert await outbox.stored_of(["anna"]) == ([], [])
    assert (await outbox.oldest("cdp", 9), await outbox.given_up()) == ([to("cdp", 2, "ben")], [])
    assert await outbox.due(NOON, 9) == ["ben"]
    await outbox.done([to("cdp", 1)])
    await outbox.give_up(to("cdp", 3))
    assert await outbox.given_up() == [], "what was under way does not bring it back"


async def test_what_was_found_out_before_an_erasure_does_not_come_in_after_it(outbox: Outbox, url: str) -> None:
    store = open_store(url)
    await store.mark_erased(["anna"], NOON + 10)
    await outbox.put(
        ME, [standing("anna", NOON, "VIP"), standing("ben", NOON)], [to("cdp", 1)], LogProgress("3"), NOON + 9
    )
    assert (await outbox.stored_of(["anna"]), await outbox.due(NOON, 9)) == (([], []), ["ben"])
    assert await outbox.progress() == LogProgress("3")
    await outbox.put(ME, [standing("anna", NOON, "VIP")], [to("cdp", 1)], None, NOON + 11)
    assert await outbox.oldest("cdp", 9) == [to("cdp", 1)], "what they do since is new"
    await store.aclose()


async def test_an_outbox_that_is_away_is_a_store_error(tmp_path: object) -> None:
    for url in (f"unix://{tmp_path}/nobody-listens", f"sqlite:{tmp_path}/no/such/folder.db"):
        outbox = open_outbox(url)
        with pytest.raises(StoreError):
            await outbox.lead("one", NOON, 1.0)
        await outbox.aclose()
