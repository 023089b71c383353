"""A page, cut once and filled for each visitor.

`markup.py` is a page as it is read; `scan.py` finds its slots when it is stored and `isolation.py` proves them,
`template.py` keeps the page cut at them, `fragments.py` compiles what editors publish (`fields.py`, `cards.py`,
`sanitise.py`), and `encode.py` joins pieces (`piece.py`, `seams.py`) of both into an answer. Read them in that order;
`slots.py` is the table of what a slot may hold. The law of the package: **bytes outside the slots are never
touched**, and a page that leaves any doubt about where a slot begins or ends is not cut at all.
"""
