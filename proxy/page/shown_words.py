"""The words that a visitor reads in a fragment, for editors' tests. They are filled in by the same code as pages and
answers of the API."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape

from proxy.model import Attributes, Decision
from proxy.page.fragments import Fragment
from proxy.page.json_fills import JsonForm, in_json_form
from proxy.page.piece import Piece

TEXTS = ("title", "text", "button")
SAYS = "says"
"""All that is read, in place of one text by its name."""

_WITHIN_WORDS = re.compile(r"</?(?:a|abbr|b|bdi|em|i|mark|s|small|span|strong|sub|sup|time|u|wbr)\b[^>]*>", re.I)
_TAG = re.compile(r"<[^>]*>")


def shown_words(fragment: Fragment, attributes: Attributes) -> Mapping[str, str]:
    """Its texts by name, as it has them, and under `says` all that is read in it; each on one line."""
    parts = in_json_form(fragment, JsonForm.OBJECT, Decision("")).fill(attributes)
    told = json.loads(b"".join([part.plain if isinstance(part, Piece) else part for part in parts]))
    words = {name: told[name] for name in TEXTS if name in told}
    words[SAYS] = unescape(_TAG.sub(" ", _WITHIN_WORDS.sub("", told["html"])))
    return {name: " ".join(text.split()) for name, text in words.items()}


def is_read(name: str, wanted: str, words: Mapping[str, str]) -> bool:
    """Whether the text of that name is what is wanted; for `says`, whether that stands in it, in whole words."""
    wanted, shown = " ".join(wanted.split()), words.get(name, "")
    if name != SAYS:
        return shown == wanted
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", shown) is not None
