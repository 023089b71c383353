"""The autumn campaign, as an editor would hand it in: it checks clean, its tests pass, and `why` tells each of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird

AUTUMN = Path(__file__).parent.parent / "cases" / "autumn"
EARLY = ("--segment", "VIP", "--country", "NO", "--at", "2026-11-25T12:00")
OVER = ("--segment", "VIP", "--country", "NL", "--at", "2026-11-28T00:00")


def say(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(tailorbird, arguments, catch_exceptions=False)
    print(f"\n$ tailorbird {' '.join(arguments)}\n{result.output}exit code {result.exit_code}")
    return result.exit_code, result.output


@pytest.mark.bar("C1")
def test_it_checks_clean() -> None:
    code, output = say("check", str(AUTUMN))
    assert code == 0 and output.endswith("no problems.\n")
    assert "autumn.rules.yaml:63:16: warning L6" in output


@pytest.mark.bar("C1")
def test_its_tests_pass() -> None:
    code, output = say("test", str(AUTUMN), "--coverage")
    assert code == 0 and "3 passed, 0 failed." in output


@pytest.mark.bar("C1")
@pytest.mark.parametrize(
    ("url", "options", "lines"),
    [
        (
            "/",
            EARLY,
            [
                "✔ SHOWN          Black Friday early access for VIPs",
                "✔ segment: VIP",
                "✔ country: NL, BE, NO  (NO)",
                "✔ 25 Nov 08:00 – 28 Nov 00:00",
                "✔ limit Campaign banners  (0 of 3 today)",
                "Holdout: no",
            ],
        ),
        ("/", OVER, ["✔ SHOWN          the page's own default", "✘ 25 Nov 08:00 – 28 Nov 00:00", "over since"]),
        (
            "/cart",
            (),
            ["✔ SHOWN          Mustard with the hot dogs", "✘ in no arm  (a visitor without an id has no bucket)"],
        ),
    ],
    ids=["early access", "the sale is open", "hot dogs"],
)
def test_why_tells_each_of_them(url: str, options: tuple[str, ...], lines: list[str]) -> None:
    code, output = say("why", url, "--rules", str(AUTUMN), *options)
    assert code == 0 and all(line in output for line in lines)
