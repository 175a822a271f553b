"""One inventory for tags and policy, as YAML and as CSV."""

from pathlib import Path

import pytest

from watchfloor.enrich import IdentityGraph, Resolver
from watchfloor.enrich.assets import ASSETS, Assets, asset_table
from watchfloor.errors import ContentError
from watchfloor.event import entity_of
from watchfloor.identity import Person, Term
from watchfloor.inventory import read_assets
from watchfloor.operator import Reference
from watchfloor.policy.inventory import Inventory
from watchfloor.testing.events import batch_of
from watchfloor.testing.operators import check_operator

CSV = """\ufeffID, Owner ,criticality,environment,is_domain_controller,principal
host:DC-01,it@example.com,critical,production,YES,
"user:corp\\alice","=cmd|' /C calc'!A0, Inc.",high,,no,person
"""
YAML = """
resources:
  - {id: "host:dc-01", owner: it@example.com, criticality: critical, environment: production,
     is_domain_controller: true}
  - {id: 'user:corp\\alice', owner: "=cmd|' /C calc'!A0, Inc.", criticality: high}
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_and_yaml_say_the_same(tmp_path: Path) -> None:
    assets = read_assets(write(tmp_path / "a.csv", CSV))
    assert assets == read_assets(write(tmp_path / "a.yml", YAML))
    assert assets["host:dc-01"].is_domain_controller


def test_events_and_policy_know_an_asset_by_any_of_its_names(tmp_path: Path) -> None:
    assets = read_assets(write(tmp_path / "a.csv", CSV)).values()
    graph = IdentityGraph([Person("1", terms=(Term("user:alice@example.com"), Term(r"user:corp\alice")))])
    published = graph.publish()
    reference = Reference(1, {**published.tables, ASSETS: asset_table(assets)})
    batch = batch_of(
        {"entity.host": "host:dc-01", "entity.actor": "user:alice@example.com", "tags": ["time=future"]},
        {"entity.peer": "host:dc-01"},
        {"entity.host": "host:other"},
    )
    check_operator(Assets(reference), batch)
    assert Assets(reference).process(batch).column("tags").to_pylist() == [
        [
            "time=future",
            "actor.owner==cmd|' /C calc'!A0, Inc.",
            "actor.criticality=high",
            "host.owner=it@example.com",
            "host.criticality=critical",
            "host.environment=production",
        ],
        ["peer.owner=it@example.com", "peer.criticality=critical", "peer.environment=production"],
        None,
    ]
    resolver = Resolver(published)
    inventory = Inventory.of(assets, lambda name: resolver.at(name, 0))
    assert inventory.describe(entity_of("user:alice@example.com")).criticality == "high"
    assert Assets().process(batch) is batch


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("id,criticallity\nhost:a,low\n", ":2: resources: .*criticallity"),
        ("id,criticality\nhost:a,extreme\n", "extreme"),
        ("id,is_admin\nuser:a,perhaps\n", "bool"),
        ("id\nhost:a\nhost:A\n", "twice: host:a"),
        ("id\nhost:a,b\n", "more cells than names"),
        ("owner\nme\n", "id"),
        ('id\n"host:a', "not CSV"),
        ("id\nhost:" + "x" * 1_000_000 + "\n", "not CSV: field larger"),
        ("id,owner\nhost:a," + "x" * 1000 + "\n", "256 characters"),
    ],
)
def test_a_wrong_csv_says_where_and_why(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ContentError, match=reason) as caught:
        read_assets(write(tmp_path / "a.csv", text))
    assert len(str(caught.value)) < 600


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id\n\xff\n")
    with pytest.raises(ContentError, match="not UTF-8 at byte 3"):
        read_assets(tmp_path / "a.csv")
    with pytest.raises(ContentError, match="No such file"):
        read_assets(tmp_path / "none.csv")
