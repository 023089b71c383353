"""Answers that end with their head, and answers that come before the upload was sent."""

from __future__ import annotations

from tests.serve.test_own_states import ROWS, outcomes


async def test_an_answer_to_head_ends_with_its_head_whatever_comes_after_it() -> None:
    # A body that comes later could be taken for the answer to what is asked next, by anybody.
    names = [name for name, row in ROWS.items() if len(row.pieces) == 1 or row.status != 200]
    for name, (first, behind) in (await outcomes(b"HEAD", b"asset", names=names)).items():
        row = ROWS[name]
        assert first is not None and first.status == (200 if "nonsense in" in name else row.status), name
        assert behind is not None and behind.body == b"after", name


async def test_an_answer_that_comes_before_the_upload_has_been_sent_is_given() -> None:
    for name, (first, behind) in (await outcomes(b"POST", b"asset", withheld=4)).items():
        row = ROWS[name]
        late = "silent" in name and row.status == 504  # for our part the client may send the rest for a while
        if name == "a head, silent":
            continue  # of which nothing is given before more of it comes
        assert first is not None, name
        assert (first.status, first.body * (first.status < 400)) == (408 if late else row.status, row.body), name
        assert behind is None or behind.body == b"after", name
