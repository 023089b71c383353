"""Whose an event is that was not taken."""

from __future__ import annotations

import pytest

from proxy.ports import Refused
from proxy.stores.record import theirs

NOON = 1_795_435_200.0


@pytest.mark.parametrize(
    ("payload", "is_theirs"),
    [
        (b'{"userId": "1042"}', True),
        (b'{"userId": 1042, "type": "dance"}', True),
        (b'{"user_id":1042}', True),
        (b'{"previousId": "x", "traits": {"of": "1042"}}', True),
        (b'{"body": "{\\"userId\\":\\"1042\\"}"}', True),
        (b"en=dance&uid=1042&cid=7", True),
        (b"en=dance&uid=1042", True),
        (b'{"userId": "anna", "properties": {"revenue": 1042, "order_id": "ORD-1042"}}', False),
        (b'{"userId": "10421", "timestamp": "1042-01-01"}', False),
        (b'{"userId": "anna", "traits": {"street": "1042 Main St"}}', False),
        (b"en=dance&uid=10421&value=1042.50", False),
        (b"", False),
    ],
)
def test_an_id_counts_where_ids_stand(payload: bytes, is_theirs: bool) -> None:
    assert theirs(["1042", "a-b_c"])(Refused(NOON, "shop", "type", payload)) is is_theirs


def test_whose_it_was_found_to_be_counts_whatever_was_sent() -> None:
    one = Refused(NOON, "shop", "type", b'{"name": "dance"}', "1042", "ga4")
    assert theirs(["1042"])(one)
    assert not theirs(["7"])(one)


def test_nobodys_are_none() -> None:
    assert not theirs([])(Refused(NOON, "shop", "type", b'{"userId": ""}'))
