"""An editor at a desk: a rule folder of their own, and the commands typed in it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from proxy.cli import tailorbird

RULES = """version: 1
rules:
  - {name: Sale, slot: home.hero, when: {country: [NL, BE]}, show: {banner: {title: Sale}}}
  - {name: Row, slot: home.row, show: {banner: {title: Row}}}
tests:
  - {name: Dutch, visitor: {country: NL}, expect: {home.hero: Sale}}
"""
NORWAY = RULES.replace("[NL, BE]", "[NL, BE, NO]")


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
