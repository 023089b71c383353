"""What the code's tables say is in the reference, and the reference says nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proxy.cli.docs import MADE, PAGES
from proxy.rulebook.compile import load
from proxy.stores.ruledir import read_folder

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_page_is_what_the_code_says(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == MADE + PAGES[name](), "run `make docs`"


def test_the_reference_holds_no_page_that_nothing_writes() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == set(PAGES)


@pytest.mark.parametrize(
    "path", sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("rules/*.md")]), ids=str
)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}, which is not there"


def test_the_front_pages_first_rule_is_a_good_one_among_the_others() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    loaded = load({**read_folder(ROOT / "rules"), "winter.rules.yaml": text.encode()})
    assert loaded.publication is not None, loaded.findings
    assert "Winter is coming" in loaded.publication.fragments
