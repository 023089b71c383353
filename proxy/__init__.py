"""Tailorbird: an edge personalisation proxy. Read `model.py` first, then `personalise.py`."""
