"""Joins the parts: `tailorbird.py` builds them, `desk.py` is the studio's access to them, `visitor_messages.py` sends
changes of visitors between processes."""

from proxy.wiring.tailorbird import Tailorbird

__all__ = ["Tailorbird"]
