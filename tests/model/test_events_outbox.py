from __future__ import annotations

from math import inf

import msgspec

from proxy.model import Standing


def test_a_standing_that_is_never_due_comes_back_as_it_was_stored() -> None:
    standing = Standing("anna", {"cdp": {"VIP": 1_795_435_200.0}}, inf)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(standing), type=Standing) == standing
