"""JUnit's XML, which every CI shows: a suite of named results, the failed ones with a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # no XML 1.0 document may hold these


class Result(NamedTuple):
    """One result; `failure` is empty when it passed."""

    group: str
    name: str
    failure: str = ""
    seconds: float = 0.0


def junit_xml(suite: str, results: Sequence[Result]) -> str:
    """The suite as one XML document."""
    failed = sum(bool(result.failure) for result in results)
    head = f"<testsuite name={_quoted(suite)} tests={_quoted(len(results))} failures={_quoted(failed)}>"
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *map(_case, results), "</testsuite>"])


def _case(result: Result) -> str:
    name = f"classname={_quoted(result.group)} name={_quoted(result.name)} time={_quoted(f'{result.seconds:.6f}')}"
    if not result.failure:
        return f"  <testcase {name}/>"
    return f"  <testcase {name}><failure message={_quoted(result.failure)}/></testcase>"


def _quoted(value: object) -> str:
    return quoteattr(_FORBIDDEN.sub("", str(value)), {"\n": "&#10;"})
