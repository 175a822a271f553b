"""Validation against the OCSF JSON Schema, offline. Needs ``jsonschema-rs``, which only tests install."""

from functools import lru_cache
from importlib import resources
from typing import Any

import jsonschema_rs
import ocsf_json_schema
import orjson
from ocsf_json_schema import OcsfJsonSchemaEmbedded

from watchfloor.event import OCSF_VERSION


@lru_cache(maxsize=1)
def _schemas() -> tuple[OcsfJsonSchemaEmbedded, dict[int, str]]:
    document = orjson.loads((resources.files(ocsf_json_schema) / "ocsf" / f"{OCSF_VERSION}.json").read_bytes())
    # Built here, since the package's own lookup by uid drops the prefix of an extension's class (win/...).
    return OcsfJsonSchemaEmbedded(document), {one["uid"]: key for key, one in document["classes"].items()}


@lru_cache(maxsize=256)
def _validator(class_uid: int, profiles: tuple[str, ...]) -> Any:
    schemas, names = _schemas()
    return jsonschema_rs.validator_for(schemas.get_class_schema(names[class_uid], list(profiles)))


def ocsf_errors(event: dict[str, Any]) -> list[str]:
    """What the schema of the event's class and profiles finds wrong; empty if it is valid.

    >>> ocsf_errors({"class_uid": 0})[0].startswith("(root)")
    True
    """
    profiles = tuple(event.get("metadata", {}).get("profiles", ()))
    validator = _validator(event.get("class_uid", -1), profiles)
    return [
        f"{'.'.join(str(part) for part in error.instance_path) or '(root)'}: {error.message}"
        for error in validator.iter_errors(event)
    ]
