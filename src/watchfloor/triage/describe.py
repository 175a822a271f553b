"""One event in words: who did what to whom, where, with which outcome; only values of the event are used."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from watchfloor.triage.evidence import Row
from watchfloor.triage.facts import last_part
from watchfloor.triage.phrase import NOTHING, Phrase, Value, phrase

_FAILURE = 2
_APPLICATION = 4
"""``user.type_id`` of a service principal: an application that acts or is acted on like an account."""

_NAME, _PLACE = 80, 60


def describe(row: Row) -> str:
    """A clause without a full stop, e.g. ``alice@example.com signed in from 203.0.113.9 (Lisbon, Portugal)``."""
    return clause(row).text


def clause(row: Row) -> Phrase:
    """The same as a phrase, whose claims can be proved."""
    return _TEMPLATES.get(row["class_uid"], _other)(row)


def _any(row: Row, *names: str, limit: int = _NAME) -> Phrase | None:
    """The first of these attributes that has a value."""
    for name in names:
        if value := row.get(name):
            return phrase("{}", Value(str(value), limit))
    return None


def _actor(row: Row) -> Phrase:
    """Who acted, by the best name that the event itself has."""
    if mail := row.get("actor.user.email_addr"):
        return phrase("{}", Value(mail, _NAME))
    if name := row.get("actor.user.name"):
        domain = row.get("actor.user.domain")
        # An AWS account's number says nothing to a reader.
        known_as = name if "@" in name or not domain or domain.isdigit() else f"{domain}\\{name}"
        return phrase("{}", Value(known_as, _NAME))
    return _any(row, "actor.user.uid") or _program(row) or phrase("somebody")


def _program(row: Row) -> Phrase | None:
    path = row.get("actor.process.file.path")
    return phrase("{}", Value(last_part(path), _NAME)) if path else None


def _target(row: Row) -> Phrase:
    account = _any(row, "user.email_addr", "user.name", "user.uid")
    if row.get("user.type_id") == _APPLICATION:
        return phrase("the application {}", account) if account else phrase("an application")
    return phrase("the account {}", account) if account else phrase("an account")


def _from(row: Row) -> Phrase:
    if not (address := _any(row, "src_endpoint.ip")):
        return NOTHING
    city, country = (_any(row, f"src_endpoint.location.{part}", limit=_PLACE) for part in ("city", "country"))
    place = phrase("{}, {}", city, country) if city and country else city or country
    return phrase(" from {} ({})", address, place) if place else phrase(" from {}", address)


def _on(row: Row) -> Phrase:
    host = _any(row, "device.hostname", limit=_PLACE)
    return phrase(" on {}", host) if host else NOTHING


def _failed(row: Row) -> Phrase:
    if row.get("status_id") != _FAILURE:
        return NOTHING
    detail = _any(row, "api.response.error", "status_detail")
    return phrase(" and was refused ({})", detail) if detail else phrase(" and was refused")


def _said(row: Row) -> Phrase:
    """The vendor's own words, where it has some; else the name of the operation."""
    return _any(row, "message", "api.operation", "metadata.event_code", limit=2 * _NAME) or phrase("an action")


def _authentication(row: Row) -> Phrase:
    who = _any(row, "user.email_addr", "user.name") or _actor(row)
    where = phrase("{}{}", _on(row), _from(row))
    what = _any(row, "message", "metadata.event_code")
    if row["activity_id"] == 1 and row.get("status_id") != _FAILURE:
        return phrase("{} signed in{}{}", who, where, phrase(" with a second factor") if row.get("is_mfa") else NOTHING)
    if row["activity_id"] == 1:
        why = _any(row, "status_detail") or what
        return phrase("{} failed to sign in{}{}", who, where, phrase(": {}", why) if why else NOTHING)
    return phrase("{}{}: {}", who, where, what or phrase("an action"))


def _change(row: Row) -> Phrase:
    where = phrase("{}{}{}", _on(row), _from(row), _failed(row))
    return phrase("{} acted on {}: {}{}", _actor(row), _target(row), _said(row), where)


def _api(row: Row) -> Phrase:
    service = _any(row, "api.service.name", limit=_PLACE)
    called = _any(row, "api.operation", limit=_PLACE) or _said(row)
    of = phrase(" of {}", service) if service else NOTHING
    return phrase("{} called {}{}{}{}{}", _actor(row), called, of, _about(row), _from(row), _failed(row))


def _about(row: Row) -> Phrase:
    name = (row.get("entity.resource") or "").partition(":")[2]
    kind, _, own = name.partition(":")
    if own and kind in _KINDS:
        return phrase(f" on the {_KINDS[kind]} {{}}", Value(own, _NAME))
    name = name or (row.get("entity.app") or "").partition(":")[2]
    return phrase(" on {}", Value(name, _NAME)) if name else NOTHING


_KINDS = {"s3": "bucket"} | {
    kind: kind for kind in ("group", "mailbox", "role", "secret", "site", "team", "token", "trail")
}
"""What resources are, by how their names begin."""


def _process(row: Row) -> Phrase:
    what = _any(row, "process.cmd_line", "process.file.path", limit=2 * _NAME) or phrase("a program")
    if row["activity_id"] == 1:
        return phrase("{} ran {}{}", _actor(row), what, _on(row))
    verb = {2: "ended", 3: "opened", 4: "injected into"}.get(row["activity_id"], "acted on")
    return phrase(f"{{}} {verb} {{}}{{}}", _program(row) or _actor(row), what, _on(row))


def _file(row: Row) -> Phrase:
    verb = {1: "created", 2: "read", 3: "changed", 4: "deleted", 5: "renamed"}.get(row["activity_id"], "touched")
    return _by_program(row, verb, _any(row, "file.path", "file.name", limit=2 * _NAME) or phrase("a file"))


def _module(row: Row) -> Phrase:
    return _by_program(row, "loaded", _any(row, "module.file.path", limit=2 * _NAME) or phrase("a module"))


def _registry(row: Row) -> Phrase:
    key = _any(row, "reg_value.path", "reg_key.path", limit=2 * _NAME)
    return _by_program(row, "changed", key or phrase("the registry"))


def _network(row: Row) -> Phrase:
    to = _any(row, "dst_endpoint.hostname", "dst_endpoint.ip") or phrase("a remote host")
    port = _any(row, "dst_endpoint.port")
    return _by_program(row, "connected to", phrase("{} port {}", to, port) if port else to)


def _dns(row: Row) -> Phrase:
    return _by_program(row, "looked up", _any(row, "query.hostname", limit=2 * _NAME) or phrase("a name"))


def _by_program(row: Row, verb: str, what: Phrase) -> Phrase:
    return phrase(f"{{}} {verb} {{}}{{}}", _program(row) or _actor(row), what, _on(row))


def _job(row: Row) -> Phrase:
    verb = {1: "created", 2: "changed", 3: "deleted", 4: "enabled", 5: "disabled", 6: "started"}.get(
        row["activity_id"], "touched"
    )
    name = _any(row, "job.name", limit=2 * _NAME)
    job = phrase("the scheduled job {}", name) if name else phrase("a scheduled job")
    return phrase(f"{{}} {verb} {{}}{{}}", _actor(row), job, _on(row))


def _mail(row: Row) -> Phrase:
    title = _any(row, "email.subject")
    subject = phrase(" “{}”", title) if title else NOTHING
    return phrase("{} handled mail{}: {}{}{}", _actor(row), subject, _said(row), _about(row), _from(row))


def _web(row: Row) -> Phrase:
    pages = _rest(row).get("web_resources")
    page = pages[0].get("url_string") if isinstance(pages, list) and pages and isinstance(pages[0], dict) else None
    about = phrase(" on {}", Value(page)) if isinstance(page, str) and page else _about(row)
    return phrase("{}: {}{}{}{}", _actor(row), _said(row), about, _from(row), _failed(row))


def _script(row: Row) -> Phrase:
    content = _rest(row).get("script.script_content.value")
    script = phrase("the script {}", Value(content)) if isinstance(content, str) and content else phrase("a script")
    return phrase("{} ran {}{}", _actor(row), script, _on(row))


def _rest(row: Row) -> Mapping[str, Any]:
    """The attributes that have no column of their own."""
    rest = orjson.loads(row.get("rest") or "{}")
    return rest if isinstance(rest, dict) else {}


def _other(row: Row) -> Phrase:
    where = phrase("{}{}{}", _on(row), _from(row), _failed(row))
    return phrase("{}: {}{}{}", _actor(row), _said(row), _about(row), where)


_TEMPLATES: dict[int, Callable[[Row], Phrase]] = {
    1001: _file,
    1005: _module,
    1006: _job,
    1007: _process,
    1009: _script,
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
