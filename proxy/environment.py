"""Settings as they are written: in the environment, as `TAILORBIRD_<NAME>`, and on the command line.

Precedence: flag over environment over default. An unknown `TAILORBIRD_*` name is refused with a suggestion.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

from proxy.diagnostics import did_you_mean
from proxy.errors import OperatorError
from proxy.setting_row import why_not
from proxy.settings import FLAGS, Settings, rows

PREFIX = "TAILORBIRD_"


def as_written(value: object) -> str:
    """A value as one would write it."""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def set_by(name: str) -> str:
    """How a setting is set: by its flag, if it has one, or its variable."""
    variable = PREFIX + name.upper()
    return f"`--{name.replace('_', '-')}` ({variable})" if name in FLAGS else f"`{variable}`"


def mistaken(name: str, what: str, *, help: str = "") -> OperatorError:
    """An error over what stands in a setting."""
    return OperatorError(f"{set_by(name)}: {what}", help=help)


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables from which `from_environment` makes the same settings."""
    chosen = [(row, getattr(settings, row.name)) for row in rows()]
    return {PREFIX + row.name.upper(): as_written(value) for row, value in chosen if value != row.default}


def from_environment(environment: Mapping[str, str], **flags: Any) -> Settings:
    """Settings from `TAILORBIRD_*`, overridden by the `flags` that are not None.

    Raises `OperatorError` for an unknown name, a value that does not fit its type, and a number that makes no sense.
    """
    types = get_type_hints(Settings)
    units = {row.name: row.metadata["unit"] for row in rows()}
    chosen: dict[str, Any] = {}
    for key, text in environment.items():
        if not key.startswith(PREFIX):
            continue
        name = key[len(PREFIX) :].lower()
        if name not in types:
            known = [PREFIX + known.upper() for known in types]
            raise OperatorError(f"there is no setting `{key}`", help=did_you_mean(key, known))
        chosen[name] = _parse(key, text, types[name], units[name])
    chosen.update({name: value for name, value in flags.items() if value is not None})
    for row in rows():
        if row.name in chosen and (help := why_not(row, chosen[row.name])):
            raise OperatorError(f"{set_by(row.name)} is `{as_written(chosen[row.name])}`", help=help)
    return Settings(**chosen)


def _parse(key: str, text: str, kind: Any, unit: str) -> Any:
    text = text.strip()
    if kind is bool:
        if text.lower() in ("1", "true", "yes", "on"):
            return True
        if text.lower() in ("0", "false", "no", "off"):
            return False
        raise OperatorError(f"`{key}` is `{text}`", help="write true or false")
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            help = f"write a number, of {unit}" if unit else "write a number"
            raise OperatorError(f"`{key}` is `{text}`", help=help) from None
    if kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text
