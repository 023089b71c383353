"""Checks a whole folder: returns its contents and all findings at once.

Files are read in two rounds: first the names they define (slots, attributes, segments), then their rules, so that a
rule may use a segment of another file. A finding never stops the reading.
"""

from __future__ import annotations

import hashlib
from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from proxy.catalogue.feeds import read_products
from proxy.catalogue.history_files import read_history
from proxy.catalogue.products import Catalogue
from proxy.catalogue.quality import told_by_kind
from proxy.catalogue.ranking import Arrangement
from proxy.catalogue.rows import RowSpec
from proxy.conditions.nodes import Node
from proxy.conditions.phrase import Phrase
from proxy.conditions.vocabulary import words
from proxy.diagnostics import Finding, in_order, many
from proxy.errors import OperatorError
from proxy.model import Holdout, Place, Product, Rule, Segment
from proxy.page.fragments import Fragment
from proxy.page.slots import LISTING, SLOT_NAME, DeclaredSlot
from proxy.rulebook.assortment import Assortment
from proxy.rulebook.cachefile import read_policy
from proxy.rulebook.declared import read_attributes, read_slots
from proxy.rulebook.expectations import Case, read_case
from proxy.rulebook.files import Collector, RuleFile, fell, last_days, rule_files, texts, without_clocks
from proxy.rulebook.mending import with_edits
from proxy.rulebook.names import Names, twice
from proxy.rulebook.policy import NO_POLICY, Policy
from proxy.rulebook.product_lints import asked_and_not_sold, other_currencies
from proxy.rulebook.read import (
    ATTRIBUTE_FILE,
    CACHE_FILE,
    CATALOGUE_FILE,
    ORDER_FILE,
    RULE_FILES,
    SLOT_FILE,
    VISIT_FILE,
    read_yaml,
    start_of,
)
from proxy.rulebook.scores import graded, read_grades, read_score
from proxy.rulebook.segments import circles, one_journey, read_segment, read_stage, stages_in_circles
from proxy.rulebook.shares import read_holdouts
from proxy.rulebook.show import Library, file_faults

LEFT_OUT = "mend the line; until then it is left out"


@dataclass(frozen=True, slots=True)
class Checked:
    """The contents of a folder, and the findings. `sources` are its texts, for excerpts; `lints` are warnings about
    what its rules show."""

    rules: tuple[Rule, ...]
    segments: tuple[Segment, ...]
    holdouts: tuple[Holdout, ...]
    journey: tuple[Segment, ...]
    declared: tuple[DeclaredSlot, ...]
    fragments: Mapping[str, Fragment]
    cases: tuple[Case, ...]
    policy: Policy
    names: Names
    findings: list[Finding]
    sources: Mapping[str, str]
    asks: Mapping[str, RowSpec]
    arrangements: Mapping[str, Arrangement]
    assortment: Assortment
    orders: Groups = ()
    visits: Groups = ()
    lints: Sequence[Finding] = ()


Groups = tuple[tuple[str, ...], ...]
"""Products that were bought, or looked at, together."""


def check(files: Mapping[str, bytes], *, catalogue: Sequence[Product] = (), imported: Collection[str] = ()) -> Checked:
    """The contents of a folder and all findings, in order. `files` are bytes by their path in the folder."""
    findings: list[Finding] = []
    sources = dict(texts(files, findings))
    roots = {
        name: root
        for name in sources
        if name.endswith((".yaml", *RULE_FILES)) and (root := read_yaml(name, sources[name], findings))
    }
    products = catalogue or _own_catalogue(files, findings)
    checked = _contents(roots, sources, products, imported, findings)
    fell(roots)
    readable = {name: source for name, source in sources.items() if source or not files.get(name)}
    findings += file_faults(readable)
    if not checked.names.slots and any(_is_of_slots(finding) and not finding.is_warning for finding in findings):
        findings = [finding for finding in findings if finding.code != "R301" or _is_of_slots(finding)]
    orders, visits = _groups(files, ORDER_FILE, findings), _groups(files, VISIT_FILE, findings)
    return replace(checked, orders=orders, visits=visits, findings=in_order(with_edits(findings, sources)))


def _is_of_slots(finding: Finding) -> bool:
    """Whether it is of `slots.yaml`. If no slot in it can be read, that is the fault, and not that of each rule."""
    return finding.place.file == SLOT_FILE


def _contents(
    roots: Mapping[str, Node],
    sources: Mapping[str, str],
    catalogue: Sequence[Product],
    imported: Collection[str],
    findings: list[Finding],
) -> Checked:
    """The contents of the YAML files."""
    declared = read_slots(roots[SLOT_FILE], findings) if SLOT_FILE in roots else ()
    attributes = read_attributes(roots[ATTRIBUTE_FILE], findings) if ATTRIBUTE_FILE in roots else {}
    policy = read_policy(roots[CACHE_FILE], findings) if CACHE_FILE in roots else NO_POLICY
    opened = rule_files(roots, findings)
    segment_lines = [(file, entry) for file in opened for entry in file.parts.lines("segments", findings)]
    segment_names = tuple(entry.key.text for _, entry in segment_lines)
    journeys = [(file, file.parts.lines("journey", findings)) for file in opened]
    stage_names = tuple(entry.key.text for _, stages in journeys for entry in stages)
    known = words(segment_names, attributes, imported, stage_names)
    phrases = _with_grades_and_scores(known, opened, findings)
    names = _names(phrases, declared)
    segments = tuple(read_segment(entry, names, file.timezone, findings) for file, entry in segment_lines)
    journey = tuple(read_stage(entry, names, file.timezone, findings) for file, stages in journeys for entry in stages)
    library = Library.of(sources, catalogue, declared)
    collector = Collector(names, library, findings)
    rules = tuple(collector.rules(opened))
    holdouts = tuple(
        holdout
        for file in opened
        for holdout in read_holdouts(file.parts.node("holdout"), names, file.timezone, findings)
    )
    cases = tuple(_cases(opened, rules, names, library, findings))
    findings += _twice(segments=segments, rules=rules, holdouts=holdouts, tests=cases, stages=journey)
    findings += one_journey(stages for _, stages in journeys)
    findings += circles(segments)
    findings += stages_in_circles(journey, segments)
    conditions = [*(one.condition for one in (*segments, *journey)), *(rule.condition for rule in rules)]
    findings += other_currencies(conditions, catalogue)
    findings += asked_and_not_sold(conditions, library.catalogue)
    return Checked(
        rules=rules,
        segments=segments,
        holdouts=holdouts,
        journey=journey,
        declared=(*declared, *_undeclared_lists(rules, declared)),
        fragments=collector.fragments,
        cases=cases,
        policy=policy,
        names=names,
        findings=findings,
        sources=sources,
        asks=library.asks,
        arrangements=collector.arrangements,
        assortment=library.catalogue,
        lints=[*collector.lints, *without_clocks(opened, rules), *last_days(opened)],
    )


def _undeclared_lists(rules: Sequence[Rule], declared: Sequence[DeclaredSlot]) -> Iterator[DeclaredSlot]:
    """The lists that rules are about, but for those that `slots.yaml` finds in HTML."""
    lists = {rule.slot for rule in rules if rule.slot.startswith(LISTING)}
    yield from map(DeclaredSlot, sorted(lists - {slot.name for slot in declared if not slot.json}))


def _names(phrases: Mapping[str, Phrase], declared: Sequence[DeclaredSlot]) -> Names:
    """The names that the files define. A slot with a wrong name is not offered for the right one in a rule."""
    slots = sorted({slot.name for slot in declared if not slot.is_list and SLOT_NAME.fullmatch(slot.name)})
    lists = (slot.name.removeprefix(LISTING) for slot in declared if slot.is_list)
    return Names(phrases, tuple(slots), tuple(lists))


def _twice(**told: Sequence[Segment | Rule | Holdout | Case]) -> Iterator[Finding]:
    """R201 for names used twice within one kind."""
    for what, named in told.items():
        yield from twice(what, ((one.name, one.place) for one in named if one.name))


def _with_grades_and_scores(
    known: Mapping[str, Phrase], opened: Sequence[RuleFile], findings: list[Finding]
) -> Mapping[str, Phrase]:
    """The words of conditions, with the grades of the files' `rfm` and their `scores`."""
    grades = [read_grades(line, findings) for file in opened for line in file.parts.lines("rfm", findings)]
    found = graded(known, ChainMap(*grades))
    for line in [line for file in opened for line in file.parts.lines("scores", findings)]:
        found |= read_score(line, found, findings)
    return found


def _cases(
    opened: Sequence[RuleFile], rules: Sequence[Rule], names: Names, library: Library, findings: list[Finding]
) -> Iterator[Case]:
    by_name = {rule.name: rule for rule in reversed(rules)}  # of two with one name the first
    products = {product.id: product for product in library.catalogue.products}
    for file in opened:
        for node in file.parts.items_of("tests", findings):
            yield read_case(node, by_name, names, file.timezone, findings, products)


def _groups(files: Mapping[str, bytes], name: str, findings: list[Finding]) -> Groups:
    """Products bought or viewed together, from a table or a line for each basket; R507 for what cannot be read."""
    if not files.get(name, b"").strip():
        return ()
    try:
        log = read_history(files[name].decode("utf-8", "replace").split("\n"))
    except OperatorError as error:
        findings.append(Finding("R507", str(error.args[0]), start_of(name), error.help, is_warning=True))
        return ()
    if log.unread:
        what, help = (
            f"{many(log.unread, 'line')} cannot be read",
            "each has an order's or a visit's id, and a product's",
        )
        findings.append(Finding("R507", what, start_of(name), help, is_warning=True))
    return tuple(group.products for group in log.groups)


def _own_catalogue(files: Mapping[str, bytes], findings: list[Finding]) -> Sequence[Product]:
    """The products of the folder's own file. A line that is left out is a warning: the others count."""
    catalogue = _catalogue_of(files.get(CATALOGUE_FILE, b""))
    for problem in told_by_kind(catalogue.problems):
        place = Place(CATALOGUE_FILE, problem.line, 1, 2)
        findings.append(
            Finding("R505", problem.what, place, problem.help if problem.is_warning else LEFT_OUT, is_warning=True)
        )
    return catalogue.products


_READ: dict[bytes, Catalogue] = {}
"""The catalogue that was read last, by the hash of its file: of 50,000 products it takes a second to read, and each
change of a rule would wait for it."""


def _catalogue_of(data: bytes) -> Catalogue:
    content = hashlib.blake2b(data).digest()
    catalogue = _READ.get(content)
    if catalogue is None:
        catalogue = read_products(data)
        _READ.clear()
        _READ[content] = catalogue
    return catalogue
