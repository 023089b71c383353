"""Pages: cut once at their slots when they are stored, and filled for each visitor.

Read in this order: `markup.py` parses a page; `scan.py` finds its slots and `isolation.py` checks that filling them
changes nothing else; `template.py` is the page cut at its slots; `fragments.py` compiles what editors publish (with
`fields.py`, `cards.py`, `sanitise.py`); `encode.py` joins the pieces of both (`piece.py`) into an answer.
`slots.py` is the table of what a slot may hold.

The rule of the package: **bytes outside the slots are never changed**. A page is not cut if it is not certain where a
slot begins and ends."""
