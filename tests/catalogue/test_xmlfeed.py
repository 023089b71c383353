from __future__ import annotations

import time

import pytest

from proxy.catalogue.products import Problem
from proxy.catalogue.xmlfeed import xml_rows


def ids_and_problems(feed: str) -> tuple[list[str], list[Problem]]:
    rows = list(xml_rows(feed.encode()))
    return [row[1]["id"] for row in rows if not isinstance(row, Problem)], [r for r in rows if isinstance(r, Problem)]


def test_each_item_has_the_line_it_begins_on() -> None:
    rows = list(xml_rows(b"<rss><channel>\n<item><id>1</id></item>\n\n<item>\n<id>2</id></item></channel></rss>"))
    assert rows == [(2, {"id": "1"}), (4, {"id": "2"})]


def test_reading_goes_on_behind_every_broken_item() -> None:
    items = "\n".join(f"<item><id>{n}</id>{'<b>' if n % 3 == 0 else ''}</item>" for n in range(10))
    found, problems = ids_and_problems(f"<rss><channel>\n{items}\n</channel></rss>")
    assert found == ["1", "2", "4", "5", "7", "8"]
    assert [problem.line for problem in problems] == [2, 5, 8, 11]


def test_a_file_that_breaks_off_gives_what_was_whole() -> None:
    found, problems = ids_and_problems("<rss><channel>\n<item><id>1</id></item>\n<item><id>2</i")
    assert (found, [problem.line for problem in problems]) == (["1"], [3])


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE r [<!ENTITY a "x">]>',
        '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>',
    ],
)
def test_what_defines_or_fetches_anything_is_refused(doctype: str) -> None:
    found, problems = ids_and_problems(f"{doctype}<rss><channel><item><id>&a;</id></item></channel></rss>")
    assert found == [] and len(problems) == 1 and problems[0].help


def test_a_billion_laughs_cost_nothing() -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    started = time.process_time()
    ids_and_problems(f'<!DOCTYPE r [<!ENTITY l0 "ha">{entities}]><rss><item><id>&l9;</id></item></rss>')
    assert time.process_time() - started < 0.5


def test_a_feed_whose_every_item_is_broken_is_read_in_linear_time() -> None:
    begun = time.thread_time()
    ids, problems = ids_and_problems(b"".join([b"<rss><channel>", b"<item>&</item>\n" * 60_000]).decode())
    assert (ids, len(problems), problems[-1].line) == ([], 60_000, 60_000)
    assert time.thread_time() - begun < 8


@pytest.mark.parametrize(("begins", "ends"), [("<!--", "-->"), ('<item a="', '"/>')])
def test_a_tag_or_comment_without_end_is_not_read_on_and_on(begins: str, ends: str) -> None:
    began = time.thread_time()
    ids, problems = ids_and_problems(f"<rss><item><id>1</id></item>{begins}{'x' * 20_000_000}{ends}</rss>")
    assert (ids, str(problems[0].what)) == (["1"], "a tag or comment has more than 1,000,000 bytes")
    assert time.thread_time() - began < 5


def test_a_text_may_be_as_long_as_it_likes() -> None:
    assert ids_and_problems(f"<rss><item><id>1</id><title>{'x' * 3_000_000}</title></item></rss>") == (["1"], [])
