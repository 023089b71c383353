from __future__ import annotations

import pytest

from proxy.errors import OperatorError
from proxy.stores.address import Ack, address_of


def test_one_server_is_what_the_library_understands() -> None:
    address = address_of("redis://anna:secret@store.example:6380/2?ack=disk&socket_keepalive=true")
    assert (address.kind, address.ack) == ("", Ack(disk=True))
    assert address.url == "redis://anna:secret@store.example:6380/2?socket_keepalive=true"
    assert address_of("unix:///run/valkey.sock").url == "unix:///run/valkey.sock"


def test_a_cluster_is_named_by_some_of_its_nodes() -> None:
    address = address_of("redis+cluster://anna:se@one:7001,two:7002,three?ack=replica")
    assert (address.kind, address.ack) == ("cluster", Ack(replicas=1))
    assert address.hosts == (("one", 7001), ("two", 7002), ("three", 6379))
    assert (address.user, address.password) == ("anna", "se")


def test_any_sign_of_a_password_may_be_written_as_its_code() -> None:
    for place in ("redis+sentinel://anna:%40%2F%25@one/shop", "redis+cluster://anna:%40%2F%25@one"):
        assert address_of(place).password == "@/%"


def test_sentinels_name_a_master() -> None:
    address = address_of("redis+sentinel://one:26379,two:26379/shop/3")
    assert (address.kind, address.master, address.database) == ("sentinel", "shop", 3)
    assert address.hosts == (("one", 26379), ("two", 26379))


def test_a_master_without_replicas_is_enough_only_where_the_address_says_so() -> None:
    strict, lenient = Ack(replicas=1), Ack(disk=True, replicas=1, if_any=True)
    assert address_of("redis://localhost?ack=disk,replica-if-any").ack == lenient
    assert (strict.among(1), strict.among(0)) == (strict, None)
    assert (lenient.among(2), lenient.among(0)) == (lenient, Ack(disk=True, if_any=True))


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost:port",
        "redis://localhost?ack=paper",
        "redis://localhost/shop",
        "redis+cluster://one:x",
        "redis+cluster://",
        "redis+sentinel://one:26379",
        "redis+sentinel://one:26379/shop/x",
    ],
)
def test_an_address_that_makes_no_sense_is_refused_with_help(url: str) -> None:
    with pytest.raises(OperatorError, match="is no address of a store") as refusal:
        address_of(url)
    assert refusal.value.help


def test_a_password_is_not_told_with_the_address() -> None:
    with pytest.raises(OperatorError, match=r"`redis://\.\.\.@localhost\?ack=paper`"):
        address_of("redis://:geheim@localhost?ack=paper")
    with pytest.raises(OperatorError, match=r"sentinel_password=\.\.\.&ack=paper`"):
        address_of("redis+sentinel://one/shop?sentinel_password=geheim&ack=paper")
    with pytest.raises(OperatorError, match=r"`redis://localhost\?password=\.\.\.&ack=paper`"):
        address_of("redis://localhost?password=geheim&ack=paper")


@pytest.mark.parametrize("sign", "/?#")
def test_a_sign_that_ends_a_password_is_said_to_need_its_code(sign: str) -> None:
    with pytest.raises(OperatorError, match=r"`redis://\.\.\.@localhost/0` .*cut short") as refusal:
        address_of(f"redis://:ge{sign}heim@localhost/0")
    assert "%2F" in str(refusal.value)


@pytest.mark.parametrize(
    ("ack", "command", "answer", "is_given"),
    [
        (Ack(), (), 0, True),
        (Ack(replicas=1), ("WAIT", 1), 1, True),
        (Ack(replicas=1), ("WAIT", 1), 0, False),
        (Ack(disk=True), ("WAITAOF", 1, 0), [1, 0], True),
        (Ack(disk=True), ("WAITAOF", 1, 0), [0, 0], False),
        (Ack(disk=True, replicas=1), ("WAITAOF", 1, 1), [1, 0], False),
        (Ack(disk=True, replicas=1), ("WAITAOF", 1, 1), [1, 1], True),
    ],
)
def test_what_must_have_an_event_is_asked_for_and_heard(
    ack: Ack, command: tuple[object, ...], answer: int | list[int], is_given: bool
) -> None:
    assert ack.command[: len(command)] == command
    assert ack.is_given(answer) is is_given
