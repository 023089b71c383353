"""What is printed does nothing to a terminal.

Much of what commands and logs print comes from strangers: refused events, titles in a feed, addresses. A terminal obeys
control characters, which may clear the screen or fill the clipboard (CWE-150), and characters that change the direction
of writing make a line look like another one. Both are printed as JSON escapes.
"""

from __future__ import annotations

import re

# Line ends and tabs stand; so does a return that a line begins with, for progress, and the colours of our own words.
_ORDERS = re.compile(
    "\x1b\\[(?:0|3[0-7])m|(?!\\A)\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)


def readable(text: str) -> str:
    """The text with orders to a terminal written out."""
    return _ORDERS.sub(lambda found: found[0] if len(found[0]) > 1 else f"\\u{ord(found[0]):04x}", text)
