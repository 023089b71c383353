"""JUnit's XML is well-formed whatever it is told."""

from __future__ import annotations

from xml.etree import ElementTree

from proxy.cli.junit import Result, junit_xml


def test_results_are_counted_and_failures_keep_their_lines() -> None:
    text = junit_xml("suite", [Result("a", "fine"), Result("a", "bad", "one\ntwo", 0.5)])
    suite = ElementTree.fromstring(text.split("\n", 1)[1])
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failure = suite[1].find("failure")
    assert failure is not None and failure.get("message") == "one\ntwo" and suite[1].get("time") == "0.500000"


def test_quotes_brackets_and_control_characters_do_no_harm() -> None:
    name = "<&\"'>\x00\x1b"
    suite = ElementTree.fromstring(junit_xml("s", [Result(name, name, name)]).split("\n", 1)[1])
    assert suite[0].get("name") == "<&\"'>"
