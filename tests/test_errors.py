"""Errors say how to mend them and which status they are."""

from __future__ import annotations

from proxy.errors import EditorError, OperatorError, OriginError, RequestError, StoreError, TailorbirdError


def test_help_is_part_of_what_is_printed() -> None:
    assert (
        str(OperatorError("port `80` is taken", help="choose another")) == "port `80` is taken (help: choose another)"
    )
    assert str(OperatorError("port `80` is taken")) == "port `80` is taken"


def test_a_page_says_it_in_sentences() -> None:
    stale = EditorError("not saved: `a` has changed", help="open it again")
    assert stale.in_sentences == "Not saved: `a` has changed. Open it again."
    assert EditorError("why?").in_sentences == "Why?"


def test_each_error_carries_the_status_a_visitor_would_get() -> None:
    assert TailorbirdError("x").status == 500
    assert OriginError("x", reason="refused").status == 502
    assert OriginError("x", reason="timeout", status=504).status == 504
    assert RequestError("x", status=414).status == 414
    assert StoreError("x").status == 503
