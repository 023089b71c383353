"""`tailorbird test`: runs the tests that editors wrote beside their rules."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from proxy.cases import Outcome, report, run_cases, untested
from proxy.cli.junit import Result, junit_xml
from proxy.cli.rulefolder import folder_arguments, read_rules
from proxy.diagnostics import as_text
from proxy.rulebook.compile import Publication

Form = Callable[[Publication, Sequence[Outcome]], str]


@click.command("test")
@folder_arguments
@click.option("--format", "form", type=click.Choice(["text", "json", "junit"]), default="text")
def command(folder: Path, catalogue: Path | None, store: str | None, form: str) -> None:
    """Run the tests that stand in rule files. Exit code 1 when one fails, or the folder has problems."""
    loaded = read_rules(folder, catalogue, store)
    if loaded.publication is None:
        click.echo(as_text(loaded.findings, loaded.sources), err=form != "text")
        sys.exit(1)
    outcomes = run_cases(loaded.publication, time.time())
    click.echo(FORMS[form](loaded.publication, outcomes))
    sys.exit(not all(outcome.passed for outcome in outcomes))


def _json(publication: Publication, outcomes: Sequence[Outcome]) -> str:
    tests = [
        {
            "name": outcome.case.name,
            "place": str(outcome.case.place),
            "passed": outcome.passed,
            "ms": round(outcome.ms, 3),
            "faults": [{"what": str(fault), "reasons": fault.reasons} for fault in outcome.faults],
        }
        for outcome in outcomes
    ]
    missed = [{"rule": rule.name, "place": str(rule.place)} for rule in untested(publication)]
    return json.dumps({"tests": tests, "untested": missed}, indent=2, ensure_ascii=False)


def _junit(publication: Publication, outcomes: Sequence[Outcome]) -> str:
    return junit_xml("tailorbird test", [_result(outcome) for outcome in outcomes])


def _result(outcome: Outcome) -> Result:
    failure = "\n".join("\n".join([str(fault), *fault.reasons]) for fault in outcome.faults)
    return Result(outcome.case.place.file, outcome.case.name, failure, outcome.ms / 1000)


FORMS: Mapping[str, Form] = {"text": report, "json": _json, "junit": _junit}
