"""An editor at a desk: a rule folder of their own, and the commands typed in it; and a store beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from proxy.cli import tailorbird
from proxy.stores import open_outbox, open_store, open_views
from proxy.stores.personal_data import Places

RULES = """version: 1
rules:
  - {name: Sale, slot: home.hero, when: {country: [NL, BE]}, show: {banner: {title: Sale}}}
  - {name: Row, slot: home.row, show: {banner: {title: Row}}}
tests:
  - {name: Dutch, visitor: {country: NL}, expect: {home.hero: Sale}}
"""
NORWAY = RULES.replace("[NL, BE]", "[NL, BE, NO]")


def done(url: str, *steps: Callable[[Places], Awaitable[Any]]) -> Any:
    """Does one after the other with the store at `url`, which is made if there is none; what the last answered."""

    async def answered() -> Any:
        async with (
            aclosing(open_store(url)) as store,
            aclosing(open_views(url)) as views,
            aclosing(open_outbox(url)) as outbox,
        ):
            return [await step(Places(store, views, outbox)) for step in steps][-1]

    return asyncio.run(answered())


class Desk:
    """`say` types a command and gives its exit code and all that it printed."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.rules = folder / "rules"
        self.rules.mkdir(exist_ok=True)
        self.environment = {"GIT_AUTHOR_NAME": "Mia", **environment}
        self.save(RULES)
        (self.rules / "slots.yaml").write_text("slots: {home.hero: {}, home.row: {}}")

    def save(self, rules: str) -> None:
        """Saves the rule file."""
        (self.rules / "a.rules.yaml").write_text(rules)

    def say(self, command: str, *arguments: str) -> tuple[int, str]:
        """Types the command."""
        folder = [str(self.rules)] if command == "publish" else ["--rules", str(self.rules)]
        done = CliRunner().invoke(tailorbird, [command, *arguments, *folder], env=self.environment)
        return done.exit_code, done.output

    def publish(self, rules: str, *arguments: str) -> tuple[int, str]:
        """Saves and publishes."""
        self.save(rules)
        return self.say("publish", "-m", "because", *arguments)
