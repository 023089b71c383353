from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import tailorbird
from proxy.cli.importing import read_lines
from proxy.model import Profile
from tests.cli.desk import done

DIRTY = "\n".join(
    [
        "\ufeffVisitor ID;First Name;E-Mail;Lifetime Spend;Segments",
        "anna;Anna;ANNA@EXAMPLE.COM;1.234,50;VIP|Trail runners",
        "not an id!;X;;;",
        "ben;Ben;ben@example.com;€ 12.30;",
        "cleo;Cleo",
        "anna;Anna;anna@example.com;1300;VIP",
    ]
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "visitors.csv"
    file.write_text(DIRTY, encoding="utf-8")
    return file


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path}/profiles.db"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(tailorbird, ["import", "profiles", *map(str, arguments)])


def stored(url: str, visitor_id: str) -> Profile | None:
    profile: Profile | None = done(url, lambda at: at.store.get_profile(visitor_id))
    return profile


def test_profiles_are_stored_clean_and_the_last_row_of_a_visitor_counts(file: Path, url: str) -> None:
    assert run(file, "--store", url).exit_code == 0
    anna, ben = stored(url, "anna"), stored(url, "ben")
    assert anna is not None and ben is not None
    assert anna.attributes == {"first name": "Anna", "email": "anna@example.com", "lifetime spend": 1300.0}
    assert anna.segments == {"VIP"}
    assert ben.attributes["lifetime spend"] == 12.3
    assert stored(url, "cleo") is None


def test_the_report_names_every_change_and_refusal_with_its_line(file: Path, url: str) -> None:
    assert run(file, "--store", url).output.splitlines() == [
        "visitors.csv:2: email: written in small letters",
        "visitors.csv:2: lifetime spend: `1.234,50` read as 1234.5",
        "visitors.csv:2: replaced by line 6, which is of the same visitor",
        "visitors.csv:3: refused: `not an id!` is no visitor id of 1 to 64 letters, digits, hyphens and underscores "
        "that says who it is",
        "visitors.csv:4: lifetime spend: `€ 12.30` read as 12.3",
        "visitors.csv:5: refused: 2 values for 5 columns",
        "2 profiles imported: 2 new or changed; 2 rows refused, 1 replaced by later ones, 3 values cleaned.",
    ]


def test_importing_the_same_file_again_changes_nothing(file: Path, url: str) -> None:
    run(file, "--store", url)
    again = run(file, "--store", url)
    assert again.exit_code == 0
    assert "2 profiles imported: 0 new or changed" in again.output


def test_a_visitor_who_comes_in_distant_batches_changes_nothing_the_second_time(tmp_path: Path, url: str) -> None:
    file = tmp_path / "many.csv"
    file.write_text("id,orders\nanna,1\n" + "".join(f"v{number},1\n" for number in range(2_500)) + "anna,2\n")
    assert "2,501 profiles imported: 2,501 new or changed" in run(file, "--store", url).output
    assert "2,501 profiles imported: 0 new or changed" in run(file, "--store", url).output


def test_the_report_as_json_says_the_same(file: Path, url: str) -> None:
    report = json.loads(run(file, "--store", url, "--format", "json").output)
    assert report["notes"][0] == {
        "line": 2,
        "column": "email",
        "what": "written in small letters",
        "is_refusal": False,
    }
    assert len(report.pop("notes")) == 6
    assert report == {"dry_run": False, "imported": 2, "changed": 2, "replaced": 1, "refused": 2, "cleaned": 3}


def test_a_clean_file_has_a_json_report_too(tmp_path: Path, url: str) -> None:
    (tmp_path / "clean.jsonl").write_text('{"id": "anna", "orders": 4}\n')
    report = json.loads(run(tmp_path / "clean.jsonl", "--store", url, "--format", "json").output)
    assert report["notes"] == [] and report["imported"] == 1


def test_a_dry_run_stores_nothing(file: Path, url: str, tmp_path: Path) -> None:
    result = run(file, "--store", url, "--dry-run")
    assert result.exit_code == 0
    assert "2 profiles imported: nothing stored (dry run)" in result.output
    assert not (tmp_path / "new").exists()


def test_attribute_names_are_known_after_an_import(file: Path, url: str) -> None:
    run(file, "--store", url)
    assert done(url, lambda at: at.store.attribute_names()) == {"first name", "email", "lifetime spend"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b"name;orders\nAnna;4\n", "no column holds the visitor id"),
        (b"id,orders\nnot an id!,4\n", "0 profiles imported"),
    ],
)
def test_a_file_that_gives_no_profile_fails(tmp_path: Path, url: str, content: bytes, problem: str) -> None:
    (tmp_path / "file.csv").write_bytes(content)
    result = run(tmp_path / "file.csv", "--store", url)
    assert result.exit_code == 1
    assert problem in result.output


def test_a_file_that_is_not_there_is_a_mistake_in_the_command(tmp_path: Path) -> None:
    assert run(tmp_path / "nothing.csv").exit_code == 2


def test_a_pipe_is_refused_since_a_file_is_read_twice(tmp_path: Path, url: str) -> None:
    read_end, write_end = os.pipe()
    os.close(write_end)
    result = run(f"/dev/fd/{read_end}", "--store", url)
    os.close(read_end)
    assert result.exit_code == 1 and "is a pipe" in result.output


def test_a_line_without_end_is_read_in_bounded_memory(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_bytes(b"id,x\n" + b"y" * 300_000 + b"\nanna,1\n")
    with (tmp_path / "long.csv").open("rb") as file:
        assert [len(line) for line in read_lines(file)] == [5, 64 * 1024 + 1, 7]


def test_a_column_of_numbers_with_a_word_in_it_is_reported(tmp_path: Path, url: str) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id,orders\na,3\nb,many\nc,4\n")
    assert run(file, "--store", url).output.splitlines() == [
        "people.csv:3: orders: `many` is a text; in 2 rows it is a number. Kept as it is",
        "3 profiles imported: 3 new or changed; 0 rows refused, 0 replaced by later ones, 0 values cleaned.",
    ]


def test_the_column_of_the_visitor_id_may_have_any_name_that_is_told(tmp_path: Path, url: str) -> None:
    (tmp_path / "file.csv").write_text("Kundennummer;visitor id;Name\nc-1;x;Anna\n1,2E+11;y;Ben\n", encoding="utf-8")
    told = run(tmp_path / "file.csv", "--store", url, "--column", "visitor=Kundennummer")
    profile = stored(url, "c-1")
    assert profile and profile.attributes == {"name": "Anna"} and stored(url, "x") is None
    assert "file.csv:3: refused: `1,2E+11` is a long number as a spreadsheet shortens it" in told.output


def test_a_column_may_bring_sets(tmp_path: Path, url: str) -> None:
    file = tmp_path / "sets.csv"
    file.write_text("id,News letters,note\nanna,sale; news|sale,a;b\nben,news,\ncleo,,\n")
    assert run(file, "--store", url, "--list", "news_letters").exit_code == 0
    anna, ben, cleo = (stored(url, name) for name in ("anna", "ben", "cleo"))
    assert anna and anna.attributes == {"news letters": {"sale", "news"}, "note": "a;b"}
    assert ben and ben.attributes == {"news letters": {"news"}}
    assert cleo and cleo.attributes == {}
    told = run(file, "--store", url, "--list", "newsletter")
    assert told.exit_code == 1 and "no column is called `newsletter`" in told.output


def test_a_file_without_a_column_of_ids_is_told_which_columns_it_has(tmp_path: Path, url: str) -> None:
    (tmp_path / "file.csv").write_text("Kundennummer;Name\nc-1;Anna\n")
    told = run(tmp_path / "file.csv", "--store", url).output
    assert "or name it by --column visitor=NAME; there are `kundennummer`, `name`" in told
