"""One row of the table of settings: a field with its default, help, unit and the values that may be written."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def row(
    default: Any,
    help: str,
    unit: str = "",
    *,
    least: int = 0,
    or_zero: bool = False,
    words: tuple[str, ...] = (),
    is_name: bool = False,
) -> Any:
    """A field of `Settings`. A number is `least` or more, or zero where `or_zero`; a text is one of `words`, if there
    are any, and the name of a header field or cookie where `is_name`."""
    metadata = {"help": help, "unit": unit, "least": least, "or_zero": or_zero, "words": words, "is_name": is_name}
    return dataclasses.field(default=default, metadata=metadata)


def why_not(field: dataclasses.Field[Any], value: Any) -> str:
    """What to write instead of a value that the field cannot have; "" for one that it can. No number of the settings
    is negative or infinite."""
    words, least, or_zero = (field.metadata[name] for name in ("words", "least", "or_zero"))
    if field.metadata["is_name"] and value and not NAME.fullmatch(value):
        return "write one name, of letters, digits and hyphens"
    if words:
        return "" if value in words else f"write {', '.join(words[:-1])} or {words[-1]}"
    if not isinstance(value, int | float):
        return ""
    if field.name.endswith("port"):
        return "" if 0 <= value <= 65_535 else "a port is a number from 0 to 65535"
    if field.name.endswith("_fraction"):
        return "" if 0 <= value <= 1 else "write a number from 0 to 1"
    if or_zero and value == 0:
        return ""
    return "" if least <= value < math.inf else f"write a number, {least} or more{', or 0' if or_zero else ''}"
