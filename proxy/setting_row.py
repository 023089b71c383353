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
    is infinite."""
    if field.metadata["is_name"] and value and not NAME.fullmatch(value):
        return "write one name, of letters, digits, dots and hyphens"
    if field.metadata["words"]:
        return "" if value in field.metadata["words"] else f"write {values(field)}"
    if not isinstance(value, int | float) or (field.metadata["or_zero"] and value == 0):
        return ""
    least, most = _bounds(field)
    return "" if least <= value <= most and value < math.inf else f"write a number, {values(field)}"


def values(field: dataclasses.Field[Any]) -> str:
    """The values a field can have, in words; "" for any text or list."""
    if words := field.metadata["words"]:
        return f"{', '.join(words[:-1])} or {words[-1]}"
    if isinstance(field.default, bool):
        return "true or false"
    if not isinstance(field.default, int | float):
        return ""
    least, most = _bounds(field)
    return f"{least} to {most}" if most < math.inf else f"{least} or more{', or 0' * field.metadata['or_zero']}"


def _bounds(field: dataclasses.Field[Any]) -> tuple[int, float]:
    most = 65_535 if field.name.endswith("port") else 1 if field.name.endswith("_fraction") else math.inf
    return field.metadata["least"], most
