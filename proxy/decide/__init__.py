"""Decides which rule wins each slot: rules are compiled to bitsets, a decision takes a few look-ups, and `why` explains
it rule by rule. Read `plan.py` first."""
