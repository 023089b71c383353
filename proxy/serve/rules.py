"""The rules that are live: read from their folder, followed as it changes, and taken over when they are good.

Its law: a folder with findings never replaces what is being served.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from proxy import garbage
from proxy.catalogue.feeds import read_feed
from proxy.diagnostics import Finding, mistakes_text
from proxy.ending import together
from proxy.environment import mistaken
from proxy.errors import OperatorError, StoreError
from proxy.metrics import Metrics
from proxy.model import Product
from proxy.ports import ProfileStore
from proxy.rulebook.compile import Loaded, Publication, load
from proxy.rulebook.lints import Site
from proxy.rulebook.pauses import Pause, paused
from proxy.rulebook.read import RULE_FILES, start_of
from proxy.stores.ruledir import RuleFolder

log = logging.getLogger("tailorbird.rules")

Files = dict[str, bytes]

NOTHING_YET = Loaded(
    None,
    [
        Finding(
            "R202",
            "nothing is published yet",
            start_of("*" + RULE_FILES[0]),
            'publish the draft, in the studio under Plan or by `tailorbird publish -m "why"`',
        )
    ],
    {},
)
"""Where files are drafts, and none has been published."""

FAULT = Loaded(
    None,
    [
        Finding(
            "R202",
            "these files meet with a fault of ours",
            start_of("*" + RULE_FILES[0]),
            "the log tells it: take back what was changed last, and send us both",
        )
    ],
    {},
)
"""Where reading them failed in a way that no finding foresees."""

LATER_SECONDS = 5.0
"""How often the store is asked for attributes it did not have before, and a version written that could not be."""


class Rules:
    """The rule folder and what came of it: the publication being served, and what is wrong with the folder now.

    `catalogue` is the path of a product file, or "". `adapt` may change a publication before `publish` gets it. A
    folder with findings never replaces one without. What is saved and live becomes a version of its own.
    """

    def __init__(
        self,
        folder: RuleFolder,
        catalogue: str,
        store: ProfileStore,
        adapt: Callable[[Publication], Publication],
        publish: Callable[[Publication], None],
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._catalogue = catalogue
        self._store = store
        self._adapt = adapt
        self._publish = publish
        self._metrics = metrics
        self._turn = asyncio.Lock()
        self._files: Files = {}
        self._products: Sequence[Product] = ()
        self._imported: frozenset[str] = frozenset()
        self._in_no_version: Files | None = None
        self.good: Publication | None = None
        self.publication: Publication | None = None
        self.loaded: Loaded | None = None
        self.next_live = asyncio.Event()
        """Set, and replaced by another, when rules or pauses have gone live."""

    async def read(self) -> None:
        """Publishes the folder if it is good, else what was live before. Raises `OperatorError` for what may not be
        read."""
        self._files = await asyncio.to_thread(self._folder.read)
        self._products = await asyncio.to_thread(products_of, self._catalogue)
        self._imported = await self._imported_now()
        await self._take()
        if self.good is None:
            await self._take_last_good()

    async def follow(self) -> None:
        """Publishes each good state of the folder from now on. Never ends; cancel it."""
        await together(self._follow_folder(), self._do_later())

    async def _follow_folder(self) -> None:
        async for files in self._folder.changes():
            async with self._turn:
                if files == self._files:
                    await self._go_live()  # something was paused, or goes on
                    continue
                self._files, self._imported = files, await self._imported_now()
                await self._renew_products()
                await self._take()

    async def _do_later(self) -> None:
        """Reads again which attributes imports have brought: a rule may wait for one. And makes a version of what is
        live, where that failed, as on a disk that was full."""
        while True:
            await asyncio.sleep(LATER_SECONDS)
            imported = await self._imported_now()
            async with self._turn:
                if imported != self._imported:
                    self._imported = imported
                    await self._take()
                elif self._in_no_version is not None:
                    await self._remember(self._in_no_version)

    async def _take(self) -> None:
        is_nothing_yet = self._folder.is_published and not self._files
        loaded = NOTHING_YET if is_nothing_yet else await asyncio.to_thread(self._load, self._files)
        self.loaded = loaded
        if loaded.publication is None:
            log.warning("%s: not taken over\n%s", self._folder.path, mistakes_text(loaded.findings, loaded.sources))
            self._metrics.count("tailorbird_rules_reloads_total", "outcome", "refused")
            return
        self.good = self._adapt(loaded.publication)
        await self._go_live()
        self._metrics.count("tailorbird_rules_reloads_total", "outcome", "live")
        await self._remember(self._files)

    async def _remember(self, files: Files) -> None:
        """Makes a version of these files, which are live."""
        try:
            await asyncio.to_thread(self._folder.remember, files, self._clock())
        except OperatorError as error:
            if self._in_no_version is not files:
                log.info("%s: this state is in no history: %s", self._folder.path, error)
            self._in_no_version = files
        else:
            self._in_no_version = None

    async def _take_last_good(self) -> None:
        """Starts with the last good version when the folder has mistakes, as the workers that run do."""
        try:
            files = await asyncio.to_thread(self._folder.last_good)
        except (OSError, OperatorError) as error:
            log.warning("%s: what was live last cannot be had: %s", self._folder.path, error)
            return
        loaded = await asyncio.to_thread(self._load, files) if files else None
        if loaded is not None and loaded.publication is not None:
            self.good = self._adapt(loaded.publication)
            await self._go_live()

    def draft(self, files: Files) -> Loaded:
        """Other files, checked and compiled beside the same catalogue, with the warnings that `check` tells. Takes its
        time, so on a thread."""
        loaded = self._load(files, Site(self._clock()))
        return replace(loaded, publication=self._adapt(loaded.publication)) if loaded.publication else loaded

    def _load(self, files: Files, site: Site | None = None) -> Loaded:
        with garbage.collector_paused():
            try:
                return load(files, catalogue=self._products, imported=self._imported, site=site)
            except Exception:  # no reason to serve nothing, or to hear of no other change
                log.exception("%s: a fault of ours", self._folder.path)
                return FAULT

    async def _go_live(self) -> None:
        """Publishes the last good state, without what is paused."""
        if self.good is None:
            return
        before, self.publication = (
            self.publication,
            await asyncio.to_thread(_made_ready, self.good, self._folder.pauses),
        )
        self._publish(self.publication)
        self.next_live.set()
        self.next_live = asyncio.Event()
        if before is not None:
            garbage.let_go(before.parts.pop)
        off = ", ".join(map(str, sorted(self._folder.pauses)))
        log.info("%s: rules %s live%s", self._folder.path, self.publication.version, f", paused: {off}" if off else "")

    async def _renew_products(self) -> None:
        """A catalogue that cannot be read just now is no reason to lose the last one."""
        try:
            self._products = await asyncio.to_thread(products_of, self._catalogue)
        except OperatorError as error:
            log.warning("%s", error)

    async def _imported_now(self) -> frozenset[str]:
        """The attributes that imports have brought; those known before when the store does not say."""
        try:
            return await self._store.attribute_names()
        except StoreError as error:
            log.debug("the store did not say which attributes it has: %s", error)
            return self._imported


def _made_ready(publication: Publication, pauses: frozenset[Pause]) -> Publication:
    """The publication without what is paused, with everything worked out that a page would otherwise wait for."""
    with garbage.collector_paused():
        ready = paused(publication, pauses)
        ready.fillings, ready.products, ready.measures  # noqa: B018  # made by looking
        return ready


def products_of(path: str) -> tuple[Product, ...]:
    """The products of a JSON lines file; none for "". Lines that make no sense are logged and left out. Raises
    `OperatorError` for a file that cannot be read."""
    if not path:
        return ()
    try:
        catalogue = read_feed(Path(path).read_bytes())
    except OSError as error:
        raise mistaken("catalogue", f"`{path}` cannot be read: {error.strerror}") from error
    for problem in catalogue.problems:
        log.warning("%s: %s", path, problem)
    return catalogue.products


def nothing_published() -> Publication:
    """What is served until the first good folder: no rules, so each page as the origin sent it."""
    publication = load({"none.rules.yaml": b"version: 1\nrules: []\n"}).publication
    if publication is None:
        raise AssertionError("an empty rule file is a good one")
    return publication
