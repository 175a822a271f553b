"""What makes an event whole: unknowns filled in, what cannot be completed given up."""

from typing import Any

import pytest

from watchfloor.normalize.schema import event_class, missing, object_type, resolve
from watchfloor.normalize.wholeness import repair, whole

BASE = frozenset(
    "time class_uid category_uid type_uid activity_id severity_id metadata.version metadata.product.name".split()  # noqa: SIM905 - read as words
)


def test_an_object_without_its_identity_is_dropped() -> None:
    fix = repair(event_class("api_activity"), BASE | {"api.operation", "src_endpoint.port", "actor.user.domain"})
    assert fix.drop == {"actor.user.domain", "src_endpoint.port"}
    assert fix.lacking == ("src_endpoint", "actor")


def test_a_nested_object_is_dropped_alone() -> None:
    owner = event_class("api_activity", ("cloud",))
    present = BASE | {"api.operation", "api.request.data", "src_endpoint.ip", "actor.user.name", "cloud.provider"}
    fix = repair(owner, present)
    assert fix.drop == {"api.request.data"}
    assert fix.lacking == ()


def test_what_has_an_unknown_is_filled() -> None:
    present = BASE | {"user.name", "service.name", "src_endpoint.ip", "src_endpoint.os.name"}
    fix = repair(event_class("authentication"), present)
    assert fix.fill == {"src_endpoint.os.type_id": 0}
    assert fix.lacking == ()


def test_just_one_of_two() -> None:
    present = BASE | {"user.name", "privileges", "group.name"}
    assert repair(event_class("authorize_session"), present).lacking == ("privileges|group",)
    assert repair(event_class("authorize_session"), present - {"group.name"}).lacking == ()


@pytest.mark.parametrize(
    ("path", "value", "kept"),
    [
        ("resources", [{"name": "a", "junk": 1}, {"type": "t"}, "x"], [{"name": "a"}]),
        ("resources", [], None),
        ("actor.user", {"name": "alice", "type_id": "many"}, {"name": "alice"}),
        ("actor.user", {"domain": "CORP"}, None),
        ("actor.user", {"name": "alice", "org": {"name": "a", "x": {}}}, {"name": "alice", "org": {"name": "a"}}),
        ("unmapped", {"any": {"thing": [1]}}, {"any": {"thing": [1]}}),
    ],
)
def test_objects_from_a_vendor_keep_what_the_schema_has(path: str, value: Any, kept: Any) -> None:
    owner = event_class("api_activity", ("cloud",))
    assert whole(resolve(owner.type, path, owner.profiles), value, owner.profiles) == kept


def test_missing_names_alternatives_once() -> None:
    assert missing(object_type("email"), ["subject"]) == ("from|to",)
