"""Tailorbird: an edge personalisation proxy. Read `model` first, then `personalise.py`."""
