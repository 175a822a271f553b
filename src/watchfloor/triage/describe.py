"""One event in words: who did what to whom, where, with which outcome; only values of the event are used."""

import re
from collections.abc import Callable

from watchfloor.triage.evidence import Row, short

_FAILURE = 2


def describe(row: Row) -> str:
    """A clause without a full stop, e.g. ``alice@example.com signed in from 203.0.113.9 (Lisbon, Portugal)``."""
    template = _TEMPLATES.get(row["class_uid"], _other)
    return template(row)


def actor(row: Row) -> str:
    """Who acted, by the best name that the event itself has."""
    for name in ("actor.user.email_addr", "actor.user.name"):
        if value := row.get(name):
            domain = row.get("actor.user.domain")
            plain = "@" in value or not domain or domain.isdigit()
            return short(value if plain else f"{domain}\\{value}", 80)
    if value := row.get("actor.user.uid"):
        return short(value, 80)
    if value := row.get("actor.process.file.path"):
        return _base(value)
    return "somebody"


def _target(row: Row) -> str:
    for name in ("user.email_addr", "user.name", "user.uid"):
        if value := row.get(name):
            return short(value, 80)
    return "an account"


def _base(path: str) -> str:
    return short(re.split(r"[\\/]", path.rstrip("\\/"))[-1] or path, 80)


def _from(row: Row) -> str:
    if not (address := row.get("src_endpoint.ip")):
        return ""
    place = ", ".join(
        part for part in (row.get("src_endpoint.location.city"), row.get("src_endpoint.location.country")) if part
    )
    return f" from {short(address, 80)}" + (f" ({short(place, 60)})" if place else "")


def _on(row: Row) -> str:
    return f" on {short(row['device.hostname'], 60)}" if row.get("device.hostname") else ""


def _failed(row: Row) -> str:
    if row.get("status_id") != _FAILURE:
        return ""
    detail = row.get("api.response.error") or row.get("status_detail")
    return f" and was refused ({short(detail, 80)})" if detail else " and was refused"


def _said(row: Row) -> str:
    """The vendor's own words, where it has some; else the name of the operation."""
    return short(row.get("message") or row.get("api.operation") or row.get("metadata.event_code") or "an action")


def _authentication(row: Row) -> str:
    who = _target(row) if row.get("user.name") or row.get("user.email_addr") else actor(row)
    what = row.get("message") or row.get("metadata.event_code")
    if row["activity_id"] == 1 and row.get("status_id") != _FAILURE:
        mfa = " with a second factor" if row.get("is_mfa") else ""
        return f"{who} signed in{_on(row)}{_from(row)}{mfa}"
    if row["activity_id"] == 1:
        why = row.get("status_detail") or what
        return f"{who} failed to sign in{_on(row)}{_from(row)}" + (f": {short(why, 80)}" if why else "")
    return f"{who}{_on(row)}{_from(row)}: {short(what or 'authentication', 80)}"


def _change(row: Row) -> str:
    return f"{actor(row)} acted on the account {_target(row)}: {_said(row)}{_on(row)}{_from(row)}{_failed(row)}"


def _api(row: Row) -> str:
    service = f" of {short(row['api.service.name'], 60)}" if row.get("api.service.name") else ""
    called = f"{actor(row)} called {short(row.get('api.operation') or _said(row), 60)}{service}"
    return f"{called}{_about(row)}{_from(row)}{_failed(row)}"


def _about(row: Row) -> str:
    resource = row.get("entity.resource") or row.get("entity.app") or ""
    name = short(resource.partition(":")[2], 80)
    return f" on {name}" if name else ""


def _process(row: Row) -> str:
    what = row.get("process.cmd_line") or row.get("process.file.path") or "a process"
    if row["activity_id"] == 1:
        return f"{actor(row)} ran {short(what)}{_on(row)}"
    verb = {2: "ended", 3: "opened", 4: "injected into"}.get(row["activity_id"], "acted on")
    return f"{_process_or_actor(row)} {verb} {short(what)}{_on(row)}"


def _process_or_actor(row: Row) -> str:
    path = row.get("actor.process.file.path")
    return _base(path) if path else actor(row)


def _file(row: Row) -> str:
    verb = {1: "created", 2: "read", 3: "changed", 4: "deleted", 5: "renamed"}.get(row["activity_id"], "touched")
    return (
        f"{_process_or_actor(row)} {verb} {short(row.get('file.path') or row.get('file.name') or 'a file')}{_on(row)}"
    )


def _module(row: Row) -> str:
    return f"{_process_or_actor(row)} loaded {short(row.get('module.file.path') or 'a module')}{_on(row)}"


def _registry(row: Row) -> str:
    key = row.get("reg_value.path") or row.get("reg_key.path") or "the registry"
    return f"{_process_or_actor(row)} changed {short(key)}{_on(row)}"


def _network(row: Row) -> str:
    to = row.get("dst_endpoint.hostname") or row.get("dst_endpoint.ip") or "a remote host"
    port = f" port {row['dst_endpoint.port']}" if row.get("dst_endpoint.port") else ""
    return f"{_process_or_actor(row)} connected to {short(to, 80)}{port}{_on(row)}"


def _dns(row: Row) -> str:
    return f"{_process_or_actor(row)} looked up {short(row.get('query.hostname') or 'a name')}{_on(row)}"


def _job(row: Row) -> str:
    verb = {1: "created", 2: "changed", 3: "deleted", 4: "enabled", 5: "disabled", 6: "started"}.get(
        row["activity_id"], "touched"
    )
    job = f"the scheduled job {short(row['job.name'])}" if row.get("job.name") else "a scheduled job"
    return f"{actor(row)} {verb} {job}{_on(row)}"


def _mail(row: Row) -> str:
    subject = f" “{short(row['email.subject'], 80)}”" if row.get("email.subject") else ""
    return f"{actor(row)} handled mail{subject}: {_said(row)}{_about(row)}{_from(row)}"


def _web(row: Row) -> str:
    return f"{actor(row)}: {_said(row)}{_about(row)}{_from(row)}{_failed(row)}"


def _other(row: Row) -> str:
    return f"{actor(row)}: {_said(row)}{_about(row)}{_on(row)}{_from(row)}{_failed(row)}"


_TEMPLATES: dict[int, Callable[[Row], str]] = {
    1001: _file,
    1005: _module,
    1006: _job,
    1007: _process,
    3001: _change,
    3002: _authentication,
    3005: _change,
    3006: _change,
    4001: _network,
    4003: _dns,
    4009: _mail,
    6001: _web,
    6003: _api,
    201001: _registry,
    201002: _registry,
}
