"""Compiles a folder's files into a publication: a plan, its fragments, the slots it declares. No IO: files are bytes.

A folder with findings other than warnings gives no publication, so it can never replace the one being served.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from proxy.audience.tracked import Breaks, Measures
from proxy.audience.traits import TRAIT_MEASURES
from proxy.catalogue.product_index import CatalogueIndex, catalogue_index
from proxy.catalogue.ranking import Arrangement, Contrast
from proxy.catalogue.rows import RowSpec
from proxy.conditions.derived import base_of
from proxy.decide.plan import Plan, compile_plan
from proxy.diagnostics import Finding, in_order
from proxy.model import Measure, Product, Rule, Segment
from proxy.page.counting import Counting
from proxy.page.fragments import Fragment
from proxy.page.slots import LISTING, DeclaredSlot
from proxy.rulebook.check import Groups, check
from proxy.rulebook.expectations import Case
from proxy.rulebook.lints import Site, lints
from proxy.rulebook.names import Names
from proxy.rulebook.policy import NO_POLICY, Policy


@dataclass(frozen=True, slots=True)
class Filling:
    """What filling a slot needs: the `attributes` of its fields; whether it has product rows or arranged lists, and
    whether one of them depends on the visitor's history."""

    attributes: frozenset[str] = frozenset()
    has_rows: bool = False
    has_lists: bool = False
    follows: bool = False

    @classmethod
    def together(cls, fillings: Iterable[Filling]) -> Filling:
        """What several slots need together."""
        each = tuple(fillings)
        return cls(
            frozenset().union(*(one.attributes for one in each)),
            any(one.has_rows for one in each),
            any(one.has_lists for one in each),
            any(one.follows for one in each),
        )


def fillings(
    rules: Iterable[Rule],
    fragments: Mapping[str, Fragment],
    asks: Mapping[str, RowSpec],
    arrangements: Mapping[str, Arrangement],
) -> dict[str, Filling]:
    """What each slot with rules needs, by what its rules may show."""
    variants: dict[str, set[str]] = {}
    for rule in rules:
        variants.setdefault(rule.slot, set()).update(rule.variants)
    return {slot: _of_slot(shown, fragments, asks, arrangements) for slot, shown in variants.items()}


def _of_slot(
    variants: set[str],
    fragments: Mapping[str, Fragment],
    asks: Mapping[str, RowSpec],
    arrangements: Mapping[str, Arrangement],
) -> Filling:
    rows = [asks[variant] for variant in variants & asks.keys()]
    lists = [arrangements[variant] for variant in variants & arrangements.keys()]
    return Filling(
        frozenset(field.attribute for variant in variants & fragments.keys() for field in fragments[variant].fields),
        bool(rows),
        bool(lists),
        any(ask.reads_history for ask in rows) or any(one.reads_history for one in lists),
    )


@dataclass(frozen=True)
class Publication:
    """One immutable version of a shop's rules, ready to be served. `version` is a hash of its content.

    * `plan`, `fragments`: what decides, and what is shown, by variant; `is_off` when everything is paused.
    * `cases`: the editors' own tests.
    * `policy`: the operator's cache policy for origins that do not help themselves.
    * `asks`, `arrangements`: what rows of products are filled with, and how lists are ordered, by variant; from
      `catalogue`, and from `orders` and `visits`, a past to learn from that came with the folder.
    """

    version: str
    plan: Plan
    fragments: Mapping[str, Fragment]
    declared: tuple[DeclaredSlot, ...]
    rules: tuple[Rule, ...]
    segments: tuple[Segment, ...]
    cases: tuple[Case, ...]
    is_off: bool = False
    policy: Policy = NO_POLICY
    asks: Mapping[str, RowSpec] = field(default_factory=dict)
    arrangements: Mapping[str, Arrangement] = field(default_factory=dict)
    catalogue: Sequence[Product] = ()
    orders: Groups = ()
    visits: Groups = ()

    @cached_property
    def timezone(self) -> str:
        """The time zone of most rules."""
        zones = Counter(rule.timezone for rule in self.rules)
        return zones.most_common(1)[0][0] if zones else "UTC"

    @cached_property
    def fillings(self) -> Mapping[str, Filling]:
        """What filling each slot with rules may need."""
        return fillings(self.rules, self.fragments, self.asks, self.arrangements)

    @cached_property
    def contrasts(self) -> Mapping[str, Contrast]:
        """What is compared in lists, by the name of its rule."""
        contrasts: dict[str, Contrast] = {}
        for rule in self.rules:
            variants = {arm.variant for arm in rule.experiment.arms} if rule.experiment else {rule.variant}
            is_held_out = rule.holdout or any(not one.slots or rule.slot in one.slots for one in self.plan.holdouts)
            variants |= {""} if is_held_out else set()
            if rule.slot.startswith(LISTING) and len(variants) > 1:
                contrasts[rule.name] = Contrast(tuple(map(self.arrangements.get, sorted(variants))))
        return contrasts

    @cached_property
    def counting(self) -> Mapping[str, Counting]:
        """The fragments with a countdown, by variant."""
        return {
            variant: Counting(self.fragments[variant], rule.timezone)
            for rule in self.rules
            if rule.countdowns
            for variant in rule.variants
            if self.fragments[variant].countdowns
        }

    @cached_property
    def measures(self) -> Measures:
        """All measures that rules and fragments read from visitors' histories, and where the value matters."""
        return Measures((cap for rule in self.rules for cap in rule.caps), self._attributes_read())

    def _attributes_read(self) -> Mapping[tuple[str, Measure], Breaks]:
        """The attributes among these, and the limits at which their values matter: all values where they are shown or
        drawn by."""
        plans = [plan for plan in (self.plan, self.plan.journey) if plan is not None]
        shown = frozenset().union(*(filling.attributes for filling in self.fillings.values()))
        bucket_key_in_view = {rule.experiment.split_by for rule in self.rules if rule.experiment}
        whole = shown.union(bucket_key_in_view, (base_of(name) for plan in plans for name, _ in plan.derived))

        def breaks(name: str) -> Breaks:
            columns = [plan.columns[name] for plan in plans if name in plan.columns]
            return None if name in whole else tuple(sorted({at for column in columns for at in column.breaks}))

        inputs = self.plan.inputs.values()
        names = shown.union(*(each.attributes for each in inputs))
        asked = [measured for each in inputs for measured in each.measures.items()]
        asked += [(name, TRAIT_MEASURES[name]) for name in sorted(names & TRAIT_MEASURES.keys())]
        return {(name, measure): breaks(name) for name, measure in asked}

    @cached_property
    def products(self) -> CatalogueIndex:
        """The catalogue to look products up in."""
        return catalogue_index(self.catalogue)

    def filled_in(self, slots: Iterable[str]) -> Filling:
        """What filling these slots may need."""
        return Filling.together(self.fillings[slot] for slot in slots if slot in self.fillings)

    @property
    def parts(self) -> list[object]:
        """Its many objects, for `garbage.let_go`."""
        return [*self.rules, *self.fragments.values(), *self.plan.parts]

    def slots_on(self, path: str) -> list[str]:
        """The slots with rules, except those that `slots.yaml` places on other pages only."""
        here = {slot.name for slot in self.declared if slot.is_on(path)}
        elsewhere = {slot.name for slot in self.declared} - here
        return sorted(self.plan.slots - elsewhere)


@dataclass(frozen=True)
class Loaded:
    """The result of loading a folder: a publication, or the findings that prevent one. `sources` are its texts, for
    excerpts; `names` are the names it knows."""

    publication: Publication | None
    findings: list[Finding]
    sources: Mapping[str, str]
    names: Names | None = None


def load(
    files: Mapping[str, bytes],
    *,
    catalogue: Sequence[Product] = (),
    imported: Collection[str] = (),
    site: Site | None = None,
) -> Loaded:
    """Checks the files (path in the folder, bytes) and compiles them. `imported` are attributes the store has seen;
    without a `catalogue`, the folder's own `products.jsonl` is it. Who is going to read the findings passes a `site`,
    for the warnings that take to know it."""
    checked = check(files, catalogue=catalogue, imported=imported)
    if any(not finding.is_warning for finding in checked.findings):
        return Loaded(None, checked.findings, checked.sources, checked.names)
    version = version_of(files, catalogue)
    plan = compile_plan(checked.rules, checked.segments, checked.holdouts, journey=checked.journey, version=version)
    publication = Publication(
        version,
        plan,
        checked.fragments,
        checked.declared,
        checked.rules,
        checked.segments,
        checked.cases,
        policy=checked.policy,
        asks=checked.asks,
        arrangements=checked.arrangements,
        catalogue=checked.assortment.products,
        orders=checked.orders,
        visits=checked.visits,
    )
    warnings = lints(checked, site) if site else []
    return Loaded(publication, in_order([*checked.findings, *warnings]), checked.sources, checked.names)


def version_of(files: Mapping[str, bytes], catalogue: Sequence[Product] = ()) -> str:
    """Twelve hex digits that name the content of the files and the products they may show."""
    content = hashlib.blake2b(digest_size=6)
    for name in sorted(files):
        content.update(b"%d %b %d %b" % (len(name), name.encode(), len(files[name]), files[name]))
    for product in catalogue:
        content.update(repr(product).encode())
    return content.hexdigest()
