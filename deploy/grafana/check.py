#!/usr/bin/env python3
"""Checks what watches Pneumatic: every expression of the dashboard and of the alert rules parses (by promtool), and names only
series and labels that docs/metrics.md has and src/metrics makes; every alert has a test, and an entry in docs/OPERATIONS.md.

check.py [PROMTOOL]: its path, if it isn't on PATH. Needs nothing but Python's standard library.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "deploy/grafana/dashboards/pneumatic.json"
RULES = ROOT / "deploy/prometheus/alerts.yml"
TESTS = ROOT / "deploy/prometheus/alerts.test.yml"
RUNBOOK = ROOT / "docs/OPERATIONS.md"
# What Prometheus adds to every series, and the label of a histogram's buckets.
EVERYWHERE = {"job", "instance", "le"}
KEYWORDS = {"and", "or", "unless", "offset", "bool", "inf", "nan"}
LISTS = r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)"


def series():
    """What docs/metrics.md names, histograms by their parts: the labels of each. What no source registers is left out."""
    source = "".join(path.read_text() for path in (ROOT / "src/metrics").glob("*.rs"))
    known = {"up": set()}
    for line in (ROOT / "docs/metrics.md").read_text().splitlines():
        row = re.match(r"\| `(\w+)` \| (\w+) \| ([^|]*)\|", line)
        if not row:
            continue
        name, kind, labels = row.groups()
        # The registry appends `_total` and the unit by itself.
        stem = re.sub(r"(_seconds|_bytes)$", "", re.sub(r"_total$", "", re.sub("^pneumatic_", "", name)))
        if f'"{stem}"' not in source:
            continue
        parts = ["_bucket", "_count", "_sum"] if kind == "histogram" else [""]
        known.update({name + part: set(re.findall(r"`(\w+)`", labels)) for part in parts})
    return known


def plain(expression):
    """As Prometheus would be asked it, with Grafana's variables filled in."""
    return expression.replace("$__rate_interval", "5m").replace("$instance", ".*")


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def of_dashboard():
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            yield f"dashboard, {panel['title']}", plain(target["expr"])
    for variable in dashboard["templating"]["list"]:
        asked = re.match(r"label_values\((.+), *\w+\)$", variable.get("definition", ""))
        if asked:
            yield f"dashboard, variable {variable['name']}", plain(asked[1])


def of_rules():
    """The rules' expressions: on the line of `expr:`, or the lines further in below `expr: |`."""
    alert, block = None, None
    for line in RULES.read_text().splitlines():
        depth = len(line) - len(line.lstrip())
        if block is not None and line.strip() and depth <= block[0]:
            yield alert, "\n".join(block[1])
            block = None
        if block is not None:
            block[1].append(line)
        elif found := re.match(r"\s*- alert: (\w+)$", line):
            alert = found[1]
        elif re.match(r"\s*expr: \|$", line):
            block = (depth, [])
        elif found := re.match(r"\s*expr: (.+)$", line):
            yield alert, found[1]
    if block is not None:
        yield alert, "\n".join(block[1])


def unknown(expression, known):
    """What in an expression isn't ours."""
    bare = re.sub(r'"(\\.|[^"\\])*"', '""', expression)
    every = EVERYWHERE.union(*known.values())
    for _, listed in re.findall(LISTS, bare):
        yield from (f"the label {label}" for label in re.findall(r"\w+", listed) if label not in every)
    bare = re.sub(r"\[[^\]]*\]", "", re.sub(LISTS, "", bare))
    for name, matchers in re.findall(r"(?<![\w:])([a-zA-Z_:][\w:]*)\s*(?!\w|\s*\()(\{[^}]*\})?", re.sub(r"\b\d\w*", "", bare)):
        if name in KEYWORDS:
            continue
        if name not in known:
            yield f"the series {name}"
            continue
        labels = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)
        yield from (f"the label {label} of {name}" for label in labels if label not in known[name] | EVERYWHERE)


def parse(promtool, expressions):
    """What promtool has against the expressions."""
    # JSON is YAML.
    rules = [{"record": f"check:{i}", "expr": expression} for i, (_, expression) in enumerate(expressions)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump({"groups": [{"name": "check", "rules": rules}]}, file)
        file.flush()
        checked = subprocess.run([promtool, "check", "rules", file.name], capture_output=True, text=True)
    said = (checked.stdout + checked.stderr).replace(file.name, "")
    return [] if checked.returncode == 0 else [re.sub(r'"check:(\d+)"', lambda at: expressions[int(at[1])][0], said).strip()]


def documented(alerts):
    """Whether the runbook has an entry for each alert and no other, and each has a test."""
    entries = set(re.findall(r"^### (Pneumatic\w+)$", RUNBOOK.read_text(), re.MULTILINE))
    tests, rules = TESTS.read_text(), RULES.read_text()
    for alert in sorted(alerts):
        if f"runbook_url: docs/OPERATIONS.md#{alert.lower()}\n" not in rules:
            yield f"{alert} has no runbook_url of its own"
        if alert not in entries:
            yield f"docs/OPERATIONS.md has no entry for {alert}"
        if not re.search(rf'alertname(="|: ){alert}\b', tests):
            yield f"alerts.test.yml has no test of {alert}"
    yield from (f"docs/OPERATIONS.md has an entry for {entry}, which is no alert" for entry in sorted(entries - alerts))


def main():
    promtool = sys.argv[1] if len(sys.argv) > 1 else "promtool"
    known, rules = series(), list(of_rules())
    expressions = list(of_dashboard()) + rules
    wrong = [f"{where}: {what} isn't ours" for where, expression in expressions for what in unknown(expression, known)]
    wrong += parse(promtool, expressions)
    wrong += documented({alert for alert, _ in rules})
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(expressions)} expressions, {len(rules)} alerts, {len(known)} series: {len(wrong)} things are wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
