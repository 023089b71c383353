from __future__ import annotations

from proxy.serve.turn import Turn


def test_a_turn_is_open_until_it_is_said_to_be_complete() -> None:
    turn = Turn()
    turn.message_event.set()
    assert (turn.keep_alive, turn.disconnected, turn.response_started, turn.response_complete) == (True,) + (False,) * 3
