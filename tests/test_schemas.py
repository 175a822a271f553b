"""The JSON Schemas ship with the package and mean something: they take what we write and refuse what we do not."""

import json
from importlib import resources
from typing import Any

import jsonschema_rs
import pytest

from watchfloor.case import Case, Risk
from watchfloor.event import Entity, Origin
from watchfloor.finding import Finding, Rule, Term
from watchfloor.testing.ocsf import ocsf_errors

NAMES = ("brief", "case", "finding", "label", "truth")
FINDING = Finding(
    uid="f1",
    tenant="default",
    rule=Rule("r1", "A rule", "high", tactics=("impact",), techniques=("T1485", "T1110.003")),
    start=1,
    end=2,
    event_uids=("e1",),
    origins=(Origin("a.json", 1), Origin("b.zip!c.json", 2, 3)),
    entities=(Entity("user", "user:alice@example.com", "alice@example.com"),),
    p_value=0.01,
    terms=(Term("t", 1.5, "Because."),),
)
CASE = Case(
    uid="c1",
    tenant="default",
    title="A case",
    level="high",
    start=1,
    end=2,
    findings=(FINDING,),
    entities=FINDING.entities,
    tactics=("impact",),
    risk=Risk(0.5, (Term("prior", 0, "Before."),)),
)


def _schema(name: str) -> dict[str, Any]:
    text = (resources.files("watchfloor") / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_valid(name: str) -> None:
    assert jsonschema_rs.meta.is_valid(_schema(name))


@pytest.mark.parametrize(("name", "value"), [("finding", FINDING.to_ocsf(now=3)), ("case", CASE.to_ocsf(now=3))])
def test_what_we_write_is_valid_ocsf_and_valid_by_our_schema(name: str, value: dict[str, Any]) -> None:
    validator = jsonschema_rs.validator_for(_schema(name))
    assert [error.message for error in validator.iter_errors(value)] == []
    assert ocsf_errors(value) == []
    value["unmapped"].pop("entities")
    assert not validator.is_valid(value)


def test_label_names_one_thing() -> None:
    validator = jsonschema_rs.validator_for(_schema("label"))
    label = {"disposition": "false-positive", "by": "alice", "at": "2026-03-17T09:00:00Z", "reason": "a test"}
    assert not validator.is_valid(label)
    assert validator.is_valid({**label, "uid": "c1"})
    assert not validator.is_valid({**label, "uid": "c1", "entity": "user:alice@example.com"})
