"""Reads one experiment, and makes it a rule with arms. Each variant shows something of its own, or nothing new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from proxy.audience.results import GOALS
from proxy.bucketing import BUCKETS
from proxy.conditions.nodes import Entry, Node, as_list
from proxy.conditions.phrase import Kind
from proxy.diagnostics import Finding, did_you_mean
from proxy.model import Arm, Experiment, Rule
from proxy.rulebook.names import Names, twice
from proxy.rulebook.rules import Reader, named
from proxy.rulebook.scalars import read_choice, read_choices, unfit
from proxy.rulebook.shares import read_share, too_much
from proxy.rulebook.times import read_run
from proxy.rulebook.words import EXPERIMENT, GUARDRAILS, VARIANT, Part, fields

VISITOR = "visitor"


def read_experiment(
    node: Node, order: int, reader: Reader, timezone: str, findings: list[Finding]
) -> tuple[Rule, list[Entry | None]]:
    """The experiment as a rule, whose arms name no fragments yet, and the `show` of each arm."""
    found = fields(node, "experiment", EXPERIMENT, findings)
    rule = reader.placed(found, node, order, timezone, findings)
    arms, shown = _variants(found, findings)
    experiment = Experiment(
        arms,
        split_by=_split_by(found, reader.names, findings),
        goal=read_choice(found.node("goal"), "goal", GOALS, findings) or "",
        guardrails=read_choices(found.node("guardrails"), "guardrails", GUARDRAILS, findings),
        min_days=run.days if (run := read_run(found, [])) else 0,
    )
    return replace(rule, experiment=experiment), shown


def _variants(found: Part, findings: list[Finding]) -> tuple[tuple[Arm, ...], list[Entry | None]]:
    table = as_list(found.node("variants"), '"variants"', findings)
    if table is None:
        return (), []
    if not table.items:
        findings.append(Finding("R104", '"variants" is empty', table.place, "write two or more, each with a name"))
    lines = [fields(item, "variant", VARIANT, findings) for item in table.items]
    names = [named(line, item, findings) for line, item in zip(lines, table.items, strict=True)]
    findings += twice("variants", [name for name in names if name[0]])
    shares = _shares(lines, findings)
    findings += too_much(sum(shares), found["variants"].key)
    arms = tuple(Arm(name, share) for (name, _), share in zip(names, shares, strict=True))
    return arms, [line.get("show") for line in lines]


def _shares(lines: Sequence[Part], findings: list[Finding]) -> list[int]:
    """The shares in buckets; where no variant has one, all alike."""
    if not any("share" in line for line in lines):
        return [BUCKETS // len(lines) + (place < BUCKETS % len(lines)) for place in range(len(lines))]
    for line in lines:
        if line and "share" not in line:
            entry = next(iter(line.values()))
            help = "give each variant a share, or none of them, for equal parts"
            findings.append(Finding("R103", 'this variant has no "share"', entry.key.place, help))
    return [read_share(line.node("share"), "share", findings) or 0 for line in lines]


def _split_by(found: Part, names: Names, findings: list[Finding]) -> str:
    written = found.text("split by", findings)
    if written is None or written.text == VISITOR:
        return ""
    texts = [key for key, phrase in names.words.items() if phrase.kind is Kind.TEXT and key != VISITOR]
    if written.text not in texts:
        findings.append(unfit("split by", written, did_you_mean(written.text, [VISITOR, *texts])))
        return ""
    return names.words[written.text].attribute
