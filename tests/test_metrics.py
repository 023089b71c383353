"""Counters count, and print as Prometheus reads them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from proxy.metric_rows import FROM_ZERO, GAUGES, HELP, HISTOGRAMS
from proxy.metrics import MOST_UNCOUNTED, Decided, Metrics, Times
from proxy.model import Decision


def test_counts_by_label_value() -> None:
    metrics = Metrics()
    metrics.count("tailorbird_requests_total", "result", "default")
    metrics.count("tailorbird_requests_total", "result", "default", by=2)
    assert metrics.get("tailorbird_requests_total", "default") == 3
    assert metrics.get("tailorbird_requests_total", "error") == 0


def test_all_counts_of_a_metric_come_at_once() -> None:
    metrics = Metrics()
    metrics.count("tailorbird_rule_matches_total", "rule", "Sale", by=2)
    metrics.count("tailorbird_rule_matches_total", "rule", "Gift")
    metrics.count("tailorbird_requests_total", "result", "default")
    assert metrics.by_value("tailorbird_rule_matches_total") == {"Sale": 2, "Gift": 1}


def test_decided_pages_are_listed_and_counted_by_rule_and_by_result() -> None:
    metrics = Metrics(live_size=2)
    sale, nothing = Decision("hero", "b", rule="Sale"), Decision("row")
    often = Decided.by((sale, nothing))
    for decided in (
        often,
        Decided.by((sale, nothing)),
        often,
        Decided.by((sale, sale)),
        Decided.by((nothing, nothing)),
    ):
        metrics.show(0.0, b"/", decided)
    assert [shown.decisions for shown in metrics.live] == [(sale, sale), (nothing, nothing)]
    for _ in range(2):
        assert metrics.by_value("tailorbird_rule_matches_total") == {"Sale": 5}
        assert metrics.get("tailorbird_requests_total", "personalised") == 4
        assert 'tailorbird_requests_total{result="default"} 1\n' in metrics.as_text()
    metrics.show(0.0, b"/", often)
    assert metrics.by_value("tailorbird_rule_matches_total") == {"Sale": 6}


def test_pages_are_counted_and_listed_however_many_were_shown() -> None:
    metrics = Metrics(live_size=3)
    sale = Decided.by((Decision("hero", "b", rule="Sale"),))
    for at in range(2 * MOST_UNCOUNTED + 1):
        metrics.show(float(at), b"/", sale)
    assert [shown.at for shown in metrics.live] == [
        2.0 * MOST_UNCOUNTED - 2,
        2.0 * MOST_UNCOUNTED - 1,
        2.0 * MOST_UNCOUNTED,
    ]
    assert metrics.by_value("tailorbird_rule_matches_total") == {"Sale": 2 * MOST_UNCOUNTED + 1}


def test_text_exposition_escapes_label_values() -> None:
    metrics = Metrics()
    metrics.count("tailorbird_rule_matches_total", "rule", 'say "hi"\\\n')
    assert 'tailorbird_rule_matches_total{rule="say \\"hi\\"\\\\\\n"} 1\n' in metrics.as_text()


def test_every_metric_is_told_of_somewhere_and_whatever_is_told_of_has_a_row() -> None:
    """A name without a row would make `/metrics` fail once it is counted."""
    rows = {*HELP, *GAUGES, *HISTOGRAMS}
    named = {
        name
        for path in (Path(__file__).parent.parent / "proxy").rglob("*.py")
        if path.name not in ("metric_rows.py", "metrics.py", "docs.py")
        for name in re.findall(r'"(tailorbird_[a-z_]+)"', path.read_text(encoding="utf-8"))
    }
    # By `Metrics` itself, for pages and answers:
    named |= {"tailorbird_requests_total", "tailorbird_rule_matches_total", "tailorbird_answer_seconds"}
    assert rows - named == set(), "have a row in proxy/metric_rows.py and are counted or read nowhere"
    assert named - rows == set(), "need a row in proxy/metric_rows.py"


def test_a_tally_counts_beside_and_shows_when_somebody_reads() -> None:
    metrics = Metrics()
    tally = metrics.tally("tailorbird_cache_requests_total", "status", "hit")
    tally.count += 2
    metrics.count("tailorbird_cache_requests_total", "status", "hit")
    assert metrics.tally("tailorbird_cache_requests_total", "status", "hit") is tally
    assert [metrics.get("tailorbird_cache_requests_total", "hit") for _ in range(2)] == [3, 3]


def test_times_are_a_histogram_for_each_origin() -> None:
    name, metrics, times = "tailorbird_origin_seconds", Metrics(), (Times(), Times(), Times())
    for one, origin in zip(times, ("http://a", "http://a", "http://b"), strict=True):
        metrics.watch(name, one, origin)
    for origin in ("http://a", "http://b"):
        of = f'origin="{origin}"'
        assert (
            f'{name}_bucket{{{of},le="+Inf"}} 0\n{name}_sum{{{of}}} 0.0\n{name}_count{{{of}}} 0\n' in metrics.as_text()
        )
    for seconds in (0.0004, 0.005, 0.0051, 0.3, 60.0):
        times[0].note(seconds)
    times[1].note(0.3)
    times[2].note(7.0)
    steps = {"0.005": 2, "0.01": 3, "0.025": 3, "0.25": 3, "0.5": 5, "10.0": 5, "+Inf": 6}
    for text in (metrics.as_text(), metrics.as_text(Counter(metrics.counts()))):  # of ours, and of all workers'
        assert f"# TYPE {name} histogram\n" in text
        for step, count in steps.items():
            assert f'{name}_bucket{{origin="http://a",le="{step}"}} {count}\n' in text
        assert f'{name}_sum{{origin="http://a"}} 60.6105\n{name}_count{{origin="http://a"}} 6\n' in text
        assert f'{name}_sum{{origin="http://b"}} 7.0\n{name}_count{{origin="http://b"}} 1\n' in text


def test_a_time_that_is_not_known_is_not_told() -> None:
    metrics, expiry = Metrics(), 0
    metrics.gauge("tailorbird_certificate_expiry_timestamp_seconds", lambda: expiry, "certificate", "https://a")
    assert "expiry_timestamp_seconds{" not in metrics.as_text()
    expiry = 1_800_000_000
    assert 'expiry_timestamp_seconds{certificate="https://a"} 1800000000\n' in metrics.as_text()


def test_answers_are_counted_by_status_with_how_long_they_took_to_begin() -> None:
    metrics = Metrics()
    for status, seconds in ((200, 0.002), (304, 0.0), (404, 0.03), (502, 20.0)):
        metrics.answered(status, seconds)
    metrics.from_memory.count += 5
    for _ in range(2):
        assert metrics.by_value("tailorbird_answers_total") == {"2xx": 6, "3xx": 1, "4xx": 1, "5xx": 1}
        text = metrics.as_text()
        assert 'tailorbird_answer_seconds_bucket{le="0.005"} 7\n' in text
        assert "tailorbird_answer_seconds_sum 20.032\ntailorbird_answer_seconds_count 9\n" in text


def test_what_is_told_passes_the_rules_of_prometheus() -> None:
    """Those that `promtool check metrics` has: a help and a type before the samples of each, which stand together;
    names by their kind; and counters without a label that are there before they are counted."""
    metrics = Metrics()
    metrics.count("tailorbird_origin_errors_total", "reason", "timeout")
    metrics.gauge("tailorbird_clients", lambda: 3)
    kinds: dict[str, str] = {}
    for line in metrics.as_text().splitlines():
        if said := re.fullmatch(r"# HELP (\w+) \S.*", line):
            assert said[1] not in kinds
            kinds[said[1]] = ""
        elif said := re.fullmatch(r"# TYPE (\w+) (counter|gauge|histogram)", line):
            assert kinds[said[1]] == "" and said[1] == list(kinds)[-1]
            kinds[said[1]] = said[2]
        else:
            sample = re.fullmatch(r'(\w+)(\{[a-z]+="[^"]*"(,le="[^"]*")?\})? [\d.]+', line)
            assert sample and re.sub("_(bucket|sum|count)$", "", sample[1]) == list(kinds)[-1], line
    for name, kind in kinds.items():
        assert name.endswith("_total") == (kind == "counter"), name
        assert kind != "histogram" or name.endswith("_seconds"), name
        assert not re.search("_(count|sum|bucket|ms|milliseconds|kb|mb|percent)$", name), name
    assert "\ntailorbird_access_log_lost_total 0\n" in metrics.as_text()


def test_the_first_failure_of_a_kind_is_a_rise() -> None:
    """A counter that is not there before it is counted has not risen, to Prometheus, and `increase()` is nothing."""
    metrics = Metrics()
    before = metrics.as_text()
    for name, (label, values) in FROM_ZERO.items():
        for value in values:
            sample = f'{name}{{{label}="{value}"}}' if label else name
            assert f"\n{sample} 0\n" in before
            metrics.count(name, label, value)
            assert f"\n{sample} 1\n" in metrics.as_text() and f"\n{sample} 0\n" not in metrics.as_text()
