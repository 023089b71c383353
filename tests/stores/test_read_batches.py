from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from proxy.errors import DamagedValueError, StoreError
from proxy.model import Profile
from proxy.stores.read_batches import BATCH, ReadBatches
from proxy.stores.record import packed, unpacked

Value = bytes | StoreError


class Shelf:
    """Knows every visitor; but `values` come before. Reads wait while `gate` is closed, and raise `failure`."""

    def __init__(self) -> None:
        self.batches: list[Sequence[str]] = []
        self.values: dict[str, Value] = {}
        self.failure: BaseException | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, visitor_ids: Sequence[str]) -> list[Value]:
        self.batches.append(visitor_ids)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return [self.values.get(visitor_id, packed(Profile(visitor_id))) for visitor_id in visitor_ids]


@pytest.fixture
async def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def batches(shelf: Shelf) -> ReadBatches[bytes]:
    return ReadBatches(shelf.read, lambda value, id: unpacked(value, id) if value else None, at_once=2)


async def test_reads_of_one_turn_are_one_batch(shelf: Shelf, batches: ReadBatches[bytes]) -> None:
    read = await asyncio.gather(*(batches.get(name) for name in ("anna", "ben", "anna")))
    assert read == [Profile("anna"), Profile("ben"), Profile("anna")]
    assert shelf.batches == [["anna", "ben", "anna"]]


async def test_an_empty_value_is_an_unknown_visitor(shelf: Shelf, batches: ReadBatches[bytes]) -> None:
    shelf.values = {"nobody": b""}
    assert await batches.get("nobody") is None


async def test_what_does_not_fit_goes_with_the_next_batch(shelf: Shelf, batches: ReadBatches[bytes]) -> None:
    shelf.gate.clear()
    names = [f"visitor-{number}" for number in range(3 * BATCH + 1)]
    reads = asyncio.gather(*(batches.get(name) for name in names))
    for _ in range(10):
        await asyncio.sleep(0)
    assert [len(batch) for batch in shelf.batches] == [BATCH, BATCH], "two at once"
    shelf.gate.set()
    assert await reads == [Profile(name) for name in names]
    assert [len(batch) for batch in shelf.batches] == [BATCH, BATCH, BATCH, 1]


async def test_a_damaged_value_spoils_no_other(shelf: Shelf, batches: ReadBatches[bytes]) -> None:
    shelf.values = {"list": DamagedValueError("not a text"), "noise": b"noise"}
    names = ("anna", "list", "noise", "ben")
    anna, *damaged, ben = await asyncio.gather(*(batches.get(name) for name in names), return_exceptions=True)
    assert (anna, ben) == (Profile("anna"), Profile("ben"))
    assert [type(error) for error in damaged] == [DamagedValueError, DamagedValueError]


@pytest.mark.parametrize("failure", [StoreError("down"), asyncio.CancelledError()], ids=["down", "closed"])
async def test_when_the_batch_fails_each_of_its_reads_does(
    shelf: Shelf, batches: ReadBatches[bytes], failure: BaseException
) -> None:
    shelf.failure = failure
    reads = await asyncio.gather(batches.get("anna"), batches.get("ben"), return_exceptions=True)
    assert [type(error) for error in reads] == [StoreError, StoreError]
    shelf.failure = None
    assert await batches.get("anna") == Profile("anna")


async def test_a_caller_that_leaves_takes_nothing_from_the_others(shelf: Shelf, batches: ReadBatches[bytes]) -> None:
    shelf.gate.clear()
    leaving, staying = (asyncio.create_task(batches.get(name)) for name in ("anna", "ben"))
    while not shelf.batches:
        await asyncio.sleep(0)
    leaving.cancel()
    shelf.gate.set()
    assert await staying == Profile("ben")
