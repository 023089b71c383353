"""The recipes for editors: each is copied into a folder as it stands, and tested there by the command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird

ROOT = Path(__file__).parent.parent
EDITORS = ROOT / "docs" / "editors"
RECIPES = sorted((EDITORS / "recipes").glob("*.md"))
SHOP = ("slots.yaml", "attributes.yaml", "products.jsonl")
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_there_are_twenty_and_the_first_page_lists_them() -> None:
    assert len(RECIPES) == 20
    page = (EDITORS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\(recipes/([\w-]+\.md)\)", page) == [path.name for path in RECIPES]
    for path in RECIPES:
        title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        assert f"[{title}](recipes/{path.name})" in page


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_copied_into_the_shops_folder_passes_its_tests(path: Path, tmp_path: Path) -> None:
    (rules,) = BLOCK.findall(path.read_text(encoding="utf-8"))
    for name in SHOP:
        (tmp_path / name).write_bytes((ROOT / "rules" / name).read_bytes())
    (tmp_path / "recipe.rules.yaml").write_text(rules, encoding="utf-8")
    done = CliRunner().invoke(tailorbird, ["test", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert " 0 failed" in done.output
    assert "not tested" not in done.output or "experiments:" in rules, done.output
