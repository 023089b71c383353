"""Joins the parts: `tailorbird.py` says how, `desk.py` what the studio sees of them, `news.py` what processes tell each
other of visitors."""

from proxy.wiring.tailorbird import Tailorbird

__all__ = ["Tailorbird"]
