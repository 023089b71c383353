"""Alerts and dashboard ask for what `/metrics` has, and Prometheus' own tool finds them right; what Kubernetes is told
fits the settings."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.environment import from_environment
from proxy.metric_rows import FROM_ZERO, GAUGES, HELP, HISTOGRAMS
from proxy.processes.memory_limit import share_of
from proxy.studio.readiness import CAUSES

DEPLOY = Path(__file__).parent.parent / "deploy"
ROWS = {*HELP, *GAUGES, *HISTOGRAMS}
LABELS = {"le", "origin", "cause", "version", "certificate", "instance", "job"}
"""Those of gauges and histograms, and of Prometheus."""
promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")


def alerts() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "alerts.yaml").read_text("utf-8"))["groups"][0]["rules"]
    return rules


def panels() -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads((DEPLOY / "dashboard.json").read_text("utf-8"))["panels"]
    return read


EXPRESSIONS = [(rule["alert"], rule["expr"]) for rule in alerts()] + [
    (panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]
]


@pytest.mark.parametrize(("what", "expr"), EXPRESSIONS, ids=[what for what, _ in EXPRESSIONS])
def test_what_is_asked_for_is_told(what: str, expr: str) -> None:
    """Names, and of counters the label and its values: what is not there fires never."""
    for name, selector in re.findall(r"(tailorbird_\w+)(?:{([^}]*)})?", expr):
        row = re.sub("_(bucket|sum|count)$", "", name)
        assert row in ROWS, name
        for label, values in re.findall(r'(\w+)[=!]~?"([^"]*)"', selector):
            label_of, told = FROM_ZERO.get(row, ("", ()))
            assert label == label_of or label in LABELS, (name, label)
            known = told if label == label_of else CAUSES if label == "cause" else values.split("|")
            assert set(values.split("|")) <= set(known), (name, values)
    for label in re.findall(r"by \(([^)]*)\)", expr):
        counted = {FROM_ZERO[name][0] for name in re.findall(r"tailorbird_\w+_total", expr) if name in FROM_ZERO}
        assert set(label.split(", ")) <= LABELS | counted, label


def test_the_first_failure_of_a_kind_wakes_somebody() -> None:
    """A counter that an alert watches is there, as 0, before it is counted: or its first rise would be none."""
    watched = {name for rule in alerts() for name in re.findall(r"tailorbird_\w+_total", rule["expr"])}
    assert watched <= set(FROM_ZERO)


def test_each_alert_says_what_to_do_and_few_wake_anybody() -> None:
    assert all(rule["annotations"]["summary"] and rule["annotations"]["action"] for rule in alerts())
    assert sum(rule.get("labels") == {"severity": "page"} for rule in alerts()) == 5
    operating = (DEPLOY.parent / "docs" / "operating.md").read_text("utf-8")
    named = set(re.findall(r"`(Tailorbird[A-Z]\w+)`", operating))
    assert named and named <= {rule["alert"] for rule in alerts()}


def test_each_alert_is_tried() -> None:
    assert set(re.findall(r"Tailorbird\w+", (DEPLOY / "alerts.test.yaml").read_text("utf-8"))) == {
        rule["alert"] for rule in alerts()
    }


@promtool
def test_alerts_fire_in_trouble_and_are_silent_on_a_quiet_day() -> None:
    run = subprocess.run(["promtool", "test", "rules", "alerts.test.yaml"], cwd=DEPLOY, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@promtool
def test_the_dashboard_asks_in_the_language_of_prometheus(tmp_path: Path) -> None:
    def rule(number: int, expr: str) -> dict[str, str]:
        return {"record": f"r{number}", "expr": expr.replace("$__rate_interval", "5m").replace("$instance", ".*")}

    asked = [rule(number, expr) for number, (_, expr) in enumerate(EXPRESSIONS[len(alerts()) :])]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": asked}]}))
    run = subprocess.run(
        ["promtool", "check", "rules", str(tmp_path / "rules.yaml")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_kubernetes_starts_with_settings_that_there_are_and_waits_as_long_as_they_say() -> None:
    things = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8")))
    pod = next(thing for thing in things if thing["kind"] == "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    settings = from_environment({each["name"]: each.get("value", "x" * 32) for each in container["env"]})
    assert pod["terminationGracePeriodSeconds"] >= settings.lame_duck_seconds + settings.drain_seconds + 5
    probe = container["readinessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] < settings.lame_duck_seconds, "it is heard in time"
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {
        "http": settings.port,
        "admin": settings.admin_port,
    }
    assert container["resources"]["limits"]["memory"] == "1Gi"
    needed = settings.cache_bytes * 7 // 6 + 100_000_000
    assert needed < share_of(1024**3, settings.workers), "docs/operating.md says what a worker wants beside its cache"


class _Well(BaseHTTPRequestHandler):
    """Says that it is well at one path alone."""

    at = ""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == self.at else 503)
        self.end_headers()


@pytest.mark.parametrize(
    ("port", "well_at", "code"),
    [("ADMIN_PORT", "/livez", 0), ("ADMIN_PORT", "/other", 1), ("PORT", "/_tb/readyz", 0), ("PORT", "/other", 1)],
)
def test_a_container_asks_itself_whether_it_is_well_whatever_proxy_it_is_told_of(
    port: str, well_at: str, code: int
) -> None:
    said = (DEPLOY.parent / "Dockerfile").read_text("utf-8")
    (command,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", said, re.MULTILINE)
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Well", (_Well,), {"at": well_at})) as server:
        threading.Thread(target=server.serve_forever).start()
        told = {"http_proxy": "http://127.0.0.1:1", "TAILORBIRD_ADMIN_PORT": "0"}
        environment = told | {f"TAILORBIRD_{port}": str(server.server_port)}
        run = subprocess.run([sys.executable, *json.loads(command)[1:]], env=environment, check=False)
        server.shutdown()
    assert run.returncode == code


@pytest.mark.skipif(not shutil.which("haproxy"), reason="HAProxy is not installed")
def test_what_the_page_says_to_haproxy_is_a_whole_configuration(tmp_path: Path) -> None:
    page = (DEPLOY.parent / "docs" / "operating.md").read_text("utf-8")
    front, back = (re.findall(rf"```\n({which} shop.*?)```", page, re.DOTALL)[0] for which in ("frontend", "backend"))
    times = "defaults\n" + "".join(f"  timeout {which} 1m\n" for which in ("connect", "client", "server"))
    (tmp_path / "whole.cfg").write_text(times + re.sub(r"ssl crt \S+ alpn \S+", "", front) + back, "utf-8")
    asked = subprocess.run(["haproxy", "-c", "-f", str(tmp_path / "whole.cfg")], capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr
