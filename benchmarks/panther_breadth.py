"""How broad the built-in pack is: on how many rule unit tests of another product's rules it finds anything.

    uv run python benchmarks/panther_breadth.py UNIT_TESTS [--missed PRODUCT]

UNIT_TESTS is a folder of files ``PRODUCT.native.jsonl``, an event a line, with ``PRODUCT.labels.jsonl`` beside each: on
the same line ``expected``, whether the rule that the event was written for must fire, and ``use_cases``, the numbers of
that rule's use cases. Each event stands alone: a detection that needs several of them cannot see it.

What the figures say, and what they do not:

* An event that is not to be found is not benign. It is the near-miss of one rule, and often the hit of another; a
  finding there is no error by itself.
* Test events are cut down to what their rule reads. They are given to their source by name, and one that has no time
  gets one; one that cannot be read all the same counts as not found.
* Products without a log source count as not covered.
* Detections were written after the aggregate figures per product, and the names of tests that were missed, had been
  seen; a few events had been looked at, to learn the shape of records. They follow the vendors' documentation and
  general knowledge, not the tests' rules; the figures since are no estimate of what the pack finds elsewhere.

``--missed`` lists, for one product, the names of the events (not their content) that no detection found.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from watchfloor.enrich import Enricher, IdentityGraph, learn
from watchfloor.event import LIGHT
from watchfloor.normalize import Normalizer
from watchfloor.run.content import Content, load_content
from watchfloor.testing.operators import run_keyed
from watchfloor.testing.sources import raw_batch

USE_CASES = (
    *("login risk", "impossible travel", "privilege escalation", "data exfiltration", "ransomware precursors"),
    *("malicious OAuth grants", "MFA fatigue", "generative phishing", "insider threat", "intel to rules"),
    *("containment", "post-incident"),
)
"""Use case n of a label is the n-th, from 1."""

SOURCES = {
    "AWS.CloudTrail": ("aws_cloudtrail", "eventTime"),
    "Amazon.EKS.Audit": ("kubernetes_audit", "requestReceivedTimestamp"),
    "Azure.Audit": ("azure_monitor", "time"),
    "Azure.MonitorActivity": ("azure_monitor", "time"),
    "Duo.Administrator": ("duo", "isotimestamp"),
    "Duo.Authentication": ("duo", "isotimestamp"),
    "GCP.AuditLog": ("gcp_audit", "timestamp"),
    "GSuite.ActivityEvent": ("google_workspace", "id.time"),
    "GitHub.Audit": ("github_audit", "created_at"),
    "Microsoft365.Audit.AzureActiveDirectory": ("m365_unified_audit", "CreationTime"),
    "Microsoft365.Audit.Exchange": ("m365_unified_audit", "CreationTime"),
    "Microsoft365.Audit.SharePoint": ("m365_unified_audit", "CreationTime"),
    "Okta.SystemLog": ("okta_system_log", "published"),
    "Osquery.Differential": ("osquery", "unixTime"),
    "Slack.AuditLogs": ("slack_audit", "date_create"),
}
"""The log source of each product that has one, and the path of the time in its records."""

TIME = "2026-03-17T09:30:00Z"

Event = tuple[dict[str, Any], bool]
"""A label, and whether anything was found."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Breadth of the built-in pack on another product's rule tests.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--missed", metavar="PRODUCT", help="list this product's events that nothing found")
    arguments = parser.parse_args()
    content = load_content()
    tested: dict[str, list[Event]] = {}
    for labels in sorted(arguments.folder.glob("*.labels.jsonl")):
        product = labels.name.removesuffix(".labels.jsonl")
        tested[product] = list(_events(labels, SOURCES.get(product), content))
    if arguments.missed:
        for label, found in tested[arguments.missed]:
            if label["expected"] != found:
                print(f"{'missed' if label['expected'] else 'found':7} {label['rule_id']}: {label['test']}")
        return
    _report(tested)


def _events(labels: Path, source: tuple[str, str] | None, content: Content) -> Iterator[Event]:
    records = labels.with_name(labels.name.replace(".labels.", ".native.")).read_bytes().splitlines()
    wanted = [orjson.loads(line) for line in labels.read_bytes().splitlines()]
    found = _found([_timed(record, source[1]) for record in records], source[0], content) if source else frozenset()
    for line, label in enumerate(wanted, start=1):
        yield label, line in found


def _timed(record: bytes, path: str) -> bytes:
    """The record, with a time if it has none; a product may spell its fields in small letters."""
    event = node = orjson.loads(record)
    *objects, field = path.split(".")
    for name in objects:
        node = node.setdefault(name, {})
    if field not in node and field.lower() not in node:
        node[field] = TIME
    return orjson.dumps(event)


def _found(records: Sequence[bytes], source: str, content: Content) -> frozenset[int]:
    """The lines on which a rule, or a keyed detection that sees the event alone, finds something."""
    events = Normalizer(content.sources, content.detector.plan, source=source).process(raw_batch(records)).events
    graph = IdentityGraph()
    learn(graph, events)
    events = Enricher(graph.publish()).process(events)
    lines = {one.line for finding in content.detector.process(events).findings for one in finding.origins}
    for row, line in enumerate(events.column("origin.line").to_pylist()):
        alone = events.slice(row, 1).select(LIGHT)
        if any(run_keyed(operator, [alone]) for operator in content.keyed):
            lines.add(line)
    return frozenset(lines)


def _report(tested: dict[str, list[Event]]) -> None:
    by_use_case: dict[str, list[Event]] = defaultdict(list)
    covered: dict[str, list[Event]] = defaultdict(list)
    for product, events in tested.items():
        for label, found in events:
            for number in label["use_cases"]:
                name = USE_CASES[number - 1]
                by_use_case[name].append((label, found))
                if product in SOURCES:
                    covered[name].append((label, found))
    print(f"{'':44}{'to be found':>16}{'not to be found':>20}")
    print("use case, products with a log source only / all")
    for name in USE_CASES:
        if name in by_use_case:
            _line(name, covered[name])
            _line("", by_use_case[name])
    print("product")
    for product in sorted(SOURCES):
        if product in tested:
            _line(product, tested[product])
    have = [event for product in SOURCES for event in tested.get(product, ())]
    every = [event for events in tested.values() for event in events]
    _line("all products with a log source", have)
    _line("all products", every)
    without = Counter({product: len(events) for product, events in tested.items() if product not in SOURCES})
    print(f"no log source, not covered: {', '.join(f'{name} ({count})' for name, count in without.most_common())}")


def _line(name: str, events: Sequence[Event]) -> None:
    print(f"  {name:42}{_share(events, expected=True):>16}{_share(events, expected=False):>20}")


def _share(events: Sequence[Event], *, expected: bool) -> str:
    chosen = [found for label, found in events if label["expected"] is expected]
    return f"{sum(chosen)} of {len(chosen)}"


if __name__ == "__main__":
    main()
