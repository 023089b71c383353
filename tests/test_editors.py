"""The recipes for editors: each is copied into a folder as it stands, and tested there by the command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
EDITORS = DOCS / "editors"
RECIPES = sorted((EDITORS / "recipes").glob("*.md"))
SHOP = ("slots.yaml", "attributes.yaml", "products.jsonl")
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_there_are_twenty_five_and_the_first_page_lists_them() -> None:
    assert len(RECIPES) == 25
    page = (EDITORS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\(recipes/([\w-]+\.md)\)", page) == [path.name for path in RECIPES]
    for path in RECIPES:
        title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        assert f"[{title}](recipes/{path.name})" in page


BLOCKS = [(path.stem, text) for path in RECIPES for text in BLOCK.findall(path.read_text(encoding="utf-8"))]
BLOCKS += [
    (f"{page} {number}", text)
    for page in ("editors/README", "editors/merchandising", "editors/how-often-and-to-whom", "segments")
    for number, text in enumerate(BLOCK.findall((DOCS / f"{page}.md").read_text(encoding="utf-8")), start=1)
    if page.startswith("editors/") or text.startswith("version:")
]


def test_each_recipe_is_one_block() -> None:
    assert [name for name, _ in BLOCKS][: len(RECIPES)] == [path.stem for path in RECIPES]


@pytest.mark.parametrize("rules", [text for _, text in BLOCKS], ids=[name for name, _ in BLOCKS])
def test_rules_copied_into_the_shops_folder_pass_their_tests(rules: str, tmp_path: Path) -> None:
    for name in SHOP:
        (tmp_path / name).write_bytes((ROOT / "rules" / name).read_bytes())
    (tmp_path / "recipe.rules.yaml").write_text(rules, encoding="utf-8")
    done = CliRunner().invoke(tailorbird, ["test", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert " 0 failed" in done.output
    assert "not tested" not in done.output or "experiments:" in rules, done.output
