"""A SentinelOne record: its dotted names (``src.process.cmdline``) as objects, one uid, hashes as rules write them."""

from typing import Any

from watchfloor.event import nest

_HASHES = (("MD5", "md5"), ("SHA1", "sha1"), ("SHA256", "sha256"))
_UIDS = (
    ("event.id", "event.time"),
    ("threatInfo.threatId", "threatInfo.updatedAt"),
    ("alertInfo.alertId", "alertInfo.updatedAt"),
)


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with objects and ``uid``."""
    if "event.type" in record:
        record = nest(record)
        image = _at(record, "tgt.process.image")
        if isinstance(image, dict):
            pairs = [(kind, image.get(name)) for kind, name in _HASHES]
            record["hashes"] = ",".join(
                f"{kind}={digest}" for kind, digest in pairs if isinstance(digest, str) and digest
            )
    uid = next((text for paths in _UIDS if (text := _joined(record, paths))), None) or _activity(record)
    return {**record, "uid": uid} if uid else record


def _activity(record: dict[str, Any]) -> str | None:
    identity = record.get("id")
    return f"activity:{identity}" if "activityType" in record and isinstance(identity, str | int) else None


def _joined(record: dict[str, Any], paths: tuple[str, ...]) -> str | None:
    parts = [_at(record, path) for path in paths]
    return ":".join(map(str, parts)) if all(isinstance(part, str | int) and str(part) for part in parts) else None


def _at(record: dict[str, Any], path: str) -> Any:
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
