"""From a draft to the live rules, as the command and the studio do it: compared with what is live, published if nothing
is wrong, approved by a second person where that is required, and rolled back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from proxy.diagnostics import counted
from proxy.drafts.report import Outlook, checks_text
from proxy.errors import OperatorError
from proxy.model import View
from proxy.ports import ViewLog
from proxy.rulebook.compile import Loaded, Publication, version_of
from proxy.serve.drafts import DRAFT, Draft, Drafts, checks_of, plan_text
from proxy.serve.rules import Rules
from proxy.stores.history import Action, Entry, must_be_approved, must_wait_for, overtaken
from proxy.stores.ruledir import read_folder
from proxy.stores.versions import Versions, written

REPLAYED = 2_000
"""How many views the studio's plan looks at: they are decided beside those of visitors. The command looks at all."""

Files = Mapping[str, bytes]


def publish(
    versions: Versions, files: Files, loaded: Loaded, *, approval: str, author: str, message: str, now: float
) -> Entry:
    """Makes a version of a draft: live, or to be approved. `loaded` is what became of its files. Raises
    `OperatorError` when it has mistakes, its tests fail, or it is live already."""
    checks = checks_of(loaded, now)
    if not checks.may_publish:
        tell = "test" if loaded.publication else "check"
        raise OperatorError(f"not published: {checks_text(checks)}", help=f"`tailorbird {tell}` says why")
    if is_live(versions, files):
        raise OperatorError(f"version {versions.live()} is live and has these files", help="change something first")
    is_asked = must_be_approved(versions.history(), approval)
    action = Action.REQUESTED if is_asked else Action.PUBLISHED
    return versions.publish(files, author=author, message=message, now=now, action=action)


def is_live(versions: Versions, files: Files) -> bool:
    """Whether these files are those of the version that is live."""
    live = versions.live()
    return bool(live) and version_of(versions.files(live)) == version_of(written(files))


@dataclass(frozen=True, slots=True)
class Publishing:
    """The same for a running proxy, off the event loop. `is_published`: files are drafts; else a saved folder is live.
    Everything but `plan` raises `OperatorError`."""

    rules: Rules
    drafts: Drafts
    versions: Versions
    views: ViewLog
    clock: Callable[[], float]
    approval: str
    is_published: bool
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def plan(self) -> Outlook:
        """What the draft in the folder would change, and for whom of those seen last; where a saved folder is live,
        what its last change has changed."""
        draft, views = await self.drafts.read(DRAFT), await self.views.get_views(REPLAYED)
        if self.is_published:
            return await asyncio.to_thread(self._plan, draft, views)
        if draft.loaded.publication is None:
            serving = f"version {self.versions.live()} goes on" if self.rules.good else "no rule is served"
            return Outlook(f"The folder has mistakes, so {serving}. The first page tells them, and how to mend each.")
        number = await asyncio.to_thread(lambda: overtaken(self.versions.live(), self.versions.history()))
        try:
            was = (await self.drafts.get(str(number))).publication if number else None
        except OperatorError:
            number = None  # its files were cleared away
        if number is None:
            return Outlook("A saved folder is live at once, so there is no draft, and nothing was live before this.")
        return await asyncio.to_thread(self._last_change, was, number, draft, views)

    def _last_change(self, was: Publication | None, number: int, draft: Draft, views: Sequence[View]) -> Outlook:
        """What the last change of a folder that is live as it is saved has changed."""
        now, names = self.clock(), (f"Version {number}", f"Version {self.versions.live()}, which is live")
        checks = checks_of(draft.loaded, now)
        return Outlook(plan_text(views, was, draft.loaded, checks, now, names, is_live=True))

    def _plan(self, draft: Draft, views: Sequence[View]) -> Outlook:
        live, now = self.rules.good, self.clock()
        if is_live(self.versions, draft.files):
            return Outlook(f"The files are those of version {self.versions.live()}, which is live.")
        if draft.loaded.publication is None:
            findings = tuple(draft.loaded.findings)
            return Outlook(counted(findings), compared=self._compared(draft), findings=findings)
        checks = checks_of(draft.loaded, now)
        names = f"Version {self.versions.live()}", "draft"
        text = plan_text(views, live, draft.loaded, checks, now, names)
        must_be_approved_first = must_be_approved(self.versions.history(), self.approval)
        return Outlook(text, checks.may_publish, must_be_approved_first, self._compared(draft))

    def _compared(self, draft: Draft) -> str:
        return f"{self.versions.live()} {version_of(written(draft.files))}"

    async def publish(self, author: str, message: str, compared: str = "") -> Entry:
        """Makes the draft in the folder a version. `compared` is that of the outlook that somebody read, "" for none:
        the draft is refused if it or what is live has changed since. Who pressed the button twice has published
        once."""
        if not self.is_published:
            raise OperatorError("a saved folder is live at once, so there is nothing to publish")
        async with self.turn:
            return await self._publish(author, message, compared)

    async def _publish(self, author: str, message: str, compared: str) -> Entry:
        draft = await self.drafts.read(DRAFT)
        newest = (await asyncio.to_thread(self.versions.history))[-1:]
        if compared and [(one.author, one.message) for one in newest] == [(author, message)]:
            files = await asyncio.to_thread(self.versions.files, newest[0].version)
            if version_of(files) == version_of(written(draft.files)):
                return newest[0]
        if compared and compared != await asyncio.to_thread(self._compared, draft):
            raise OperatorError(
                "not published: since you opened this page somebody changed a file, or published",
                help="read again what changes now, and publish that",
            )
        published = partial(publish, self.versions, draft.files, draft.loaded, approval=self.approval)
        return await asyncio.to_thread(published, author=author, message=message, now=self.clock())

    async def approve(self, number: int, author: str) -> Entry:
        """What somebody else asked for becomes live."""
        must_wait_for(number, await asyncio.to_thread(self.versions.history), author)
        await self._must_be_good(number)
        return await asyncio.to_thread(self.versions.approve, number, author=author, now=self.clock())

    async def roll_back(self, number: int, author: str) -> Entry:
        """An earlier version becomes live again."""
        saved = None if self.is_published else partial(read_folder, self.versions.rules)
        await self._must_be_good(number)
        rolled_back = partial(self.versions.roll_back, number, saved=saved)
        return await asyncio.to_thread(rolled_back, author=author, message="", now=self.clock())

    async def _must_be_good(self, number: int) -> None:
        if (await self.drafts.get(str(number))).publication is None:
            raise OperatorError(
                f"version {number} has mistakes by now", help=f"`tailorbird diff live {number}` tells them"
            )
