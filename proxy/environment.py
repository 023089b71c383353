"""Settings as they are written: in the environment, as `TAILORBIRD_<NAME>`, and on the command line.

Precedence: flag over environment over default. An unknown `TAILORBIRD_*` name is refused with a suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_type_hints

from proxy.diagnostics import did_you_mean
from proxy.errors import OperatorError, must_be_none
from proxy.setting_row import why_not
from proxy.settings import FLAGS, Settings, rows

PREFIX = "TAILORBIRD_"
_LINK = re.compile(
    r"TAILORBIRD\w*?_((SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)=.*|PORT=\w+://.*)"
)
"""What Kubernetes puts into each pod's environment for a Service called `tailorbird`, or `tailorbird-...`."""


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

    Raises `OperatorError` for unknown names, values that do not fit their type, and numbers that make no sense: for all
    of them at once.
    """
    settings, errors = read_environment(environment, **flags)
    must_be_none(errors)
    return settings


def read_environment(environment: Mapping[str, str], **flags: Any) -> tuple[Settings, list[OperatorError]]:
    """The same, with the defaults in place of what is mistaken, and all mistakes."""
    types, table = get_type_hints(Settings), {row.name: row for row in rows()}
    errors: list[OperatorError] = []
    chosen: dict[str, Any] = {}
    for key, text in environment.items():
        if not key.startswith(PREFIX) or _LINK.fullmatch(f"{key}={text}"):
            continue
        name = key[len(PREFIX) :].lower()
        if name not in types:
            known = [PREFIX + known.upper() for known in types]
            errors.append(OperatorError(f"there is no setting `{key}`", help=did_you_mean(key, known)))
            continue
        value = text.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            help = "leave them out: systemd and shells do so themselves, Docker takes them for a part of the value"
            errors.append(OperatorError(f"`{key}` stands in quotes", help=help))
            value = value[1:-1]
        if flags.get(name) is None:
            try:
                chosen[name] = _parse(key, value, types[name], table[name].metadata["unit"])
            except OperatorError as error:
                errors.append(error)
    chosen.update({name: value for name, value in flags.items() if value is not None})
    for name, value in list(chosen.items()):
        if help := why_not(table[name], value):
            errors.append(OperatorError(f"{set_by(name)} is `{as_written(chosen.pop(name))}`", help=help))
    return Settings(**chosen), errors


def _parse(key: str, text: str, kind: Any, unit: str) -> Any:
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
