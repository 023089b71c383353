"""Errors, sorted by who can mend them. Foreign exceptions are mapped to these at the border, by `raise ... from`.

Text: lower case, the user's words in backticks; what, where, how to mend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises over bytes from elsewhere: no JSON, another type, no UTF-8, or nested too deep."""


class TailorbirdError(Exception):
    """Base of all our errors. `help` says how to mend it; `status` is the HTTP status when it reaches a visitor."""

    status = 500

    def __init__(self, what: str, *, help: str = "") -> None:
        super().__init__(what)
        self.help = help

    def __str__(self) -> str:
        what = super().__str__()
        return f"{what} (help: {self.help})" if self.help else what

    @property
    def in_sentences(self) -> str:
        """For a page: what is wrong, and how to mend it."""
        said = [one for one in (super().__str__(), self.help) if one]
        return " ".join(one[0].upper() + one[1:] + ("" if one[-1] in ".?!" else ".") for one in said)


class EditorError(TailorbirdError):
    """A content editor can mend it, in the rule folder. `line` counts from 1 within the file at fault; 0: unknown."""

    def __init__(self, what: str, *, help: str = "", line: int = 0) -> None:
        super().__init__(what, help=help)
        self.line = line


class OperatorError(TailorbirdError):
    """Who runs Tailorbird can mend it: a setting, a file, a port."""


class OperatorErrors(OperatorError):
    """Several at once, each on lines of its own."""

    def __init__(self, errors: Sequence[OperatorError]) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = errors


def must_be_none(errors: Iterable[OperatorError]) -> None:
    """Raises them, if there are any."""
    match list(errors):
        case [error]:
            raise error
        case [_, *_] as several:
            raise OperatorErrors(several)


def raised_by(checks: Iterable[Callable[[], object]]) -> Iterator[OperatorError]:
    """What each check raises of it. What several raise alike is told once."""
    told: set[str] = set()
    for check in checks:
        try:
            check()
        except OperatorError as error:
            for one in error.errors if isinstance(error, OperatorErrors) else (error,):
                if str(one) not in told:
                    told.add(str(one))
                    yield one


class OriginError(TailorbirdError):
    """The shop behind us failed: refused, broke off, spoke nonsense. `reason` is one word for logs and headers."""

    status = 502

    def __init__(self, what: str, *, reason: str, help: str = "", status: int = 502) -> None:
        super().__init__(what, help=help)
        self.reason = reason
        self.status = status


class Fault(OriginError):
    """We failed over what the origin answered; it was logged where it happened."""

    def __init__(self) -> None:
        super().__init__("something went wrong on the way of the origin's answer", reason="fault")


class RequestError(TailorbirdError):
    """The client can mend it: its request was malformed or too much."""

    def __init__(self, what: str, *, status: int = 400, help: str = "") -> None:
        super().__init__(what, help=help)
        self.status = status


class StoreError(TailorbirdError):
    """A store did not answer, or answered wrongly. Never reaches a visitor: the page goes on without."""

    status = 503


class DamagedValueError(StoreError):
    """The store answered, but one value in it cannot be read; others can."""
