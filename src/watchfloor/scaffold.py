"""Content to start from: a folder of each kind that loads and passes its tests before a line is changed."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from watchfloor.errors import InputError, argument
from watchfloor.event import event_uid

Kind = Literal["source", "detection", "filter", "playbook", "action", "policy"]

_PLACES: dict[Kind, str] = {
    "source": "sources",
    "detection": "detections",
    "filter": "filters",
    "playbook": "playbooks",
    "action": "actions",
    "policy": "policies",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{2,62}")


def write_scaffold(kind: Kind, name: str, *, into: Path) -> Path:
    """Write the folder of a new piece of content and return it.

    Raises:
        InputError: The name is not a folder name of ours, the folder exists, or it cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r}: lower-case letters, digits and underscores, from a letter on")
    folder = into / _PLACES[kind] / name
    with argument(folder):
        folder.mkdir(parents=True)
        for path, text in _FILES[kind](name).items():
            file = folder / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return folder


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _source(name: str) -> dict[str, str]:
    return {
        "source.yml": f"""\
title: {_title(name)}
vendor: Example
product: {_title(name)}
description: One sentence on where these records come from and how they are delivered.
references: [https://example.com/documentation]
recognise: {{has: [{name}_event, occurred, account]}}
# Lines of text, if it writes such; else leave this out.
text:
  - name: sign in
    when: {{syslog.app_name: {name}}}
    pattern: '(?P<account>\\S+) signed in from (?P<address>\\S+): (?P<result>\\w+)$'
    set: {{{name}_event: sign_in}}
uid: id
time: [occurred, syslog.timestamp]
event_code: {name}_event
kind: [{name}_event]
sigma:
  logsources:
    - {{product: {name}}}
events:
  - name: sign in
    when: {{{name}_event: sign_in}}
    class: authentication
    activity: 1
    map:
      user.name: account
      user.email_addr: {{from: account, apply: mail}}
      service.name: {{value: {_title(name)}}}
      src_endpoint.ip: address
      status_id: {{from: result, table: {{ok: 1, failed: 2}}, else: 0}}
""",
        "samples/sign_in.raw": f"""\
{{"{name}_event":"sign_in","id":"1","occurred":"2026-03-17T09:14:00Z","account":"alice@example.com",\
"address":"203.0.113.9","result":"ok"}}
""",
        "samples/sign_in_as_text.raw": f"{_line(name)}\n",
        "samples/sign_in_as_text.ocsf.json": f"""\
{{"activity_id":1,"category_uid":3,"class_uid":3002,"metadata":{{"event_code":"sign_in",\
"product":{{"name":"{_title(name)}","vendor_name":"Example"}},"uid":"{event_uid(name, _line(name).encode(), 0)}"}},\
"service":{{"name":"{_title(name)}"}},"severity_id":1,"src_endpoint":{{"ip":"203.0.113.9"}},"status_id":2,\
"time":1741857240000,"type_uid":300201,"unmapped":{{"message":"alice@example.com signed in from 203.0.113.9: failed",\
"syslog":{{"app_name":"{name}","facility":4,"hostname":"portal-1","severity":6}}}},\
"user":{{"email_addr":"alice@example.com","name":"alice@example.com"}}}}
""",
        "samples/sign_in.ocsf.json": f"""\
{{"activity_id":1,"category_uid":3,"class_uid":3002,"metadata":{{"event_code":"sign_in",\
"product":{{"name":"{_title(name)}","vendor_name":"Example"}},"uid":"{name}:1"}},"service":{{"name":"{_title(name)}"}},\
"severity_id":1,"src_endpoint":{{"ip":"203.0.113.9"}},"status_id":1,"time":1773738840000,"type_uid":300201,\
"user":{{"email_addr":"alice@example.com","name":"alice@example.com"}}}}
""",
    }


def _line(name: str) -> str:
    return f"<38>Mar 13 09:14:00 portal-1 {name}: alice@example.com signed in from 203.0.113.9: failed"


def _detection(name: str) -> dict[str, str]:
    return {
        "detection.yml": f"""\
title: {_title(name)}
id: {uuid.uuid4()}
status: experimental
description: One sentence on what this finds and why it matters.
author: You
date: 2026-01-01
references: [https://example.com/research]
tags: [attack.persistence, attack.t1098]
logsource: {{product: okta, service: okta}}
detection:
  selection:
    eventType: user.account.privilege.grant
    outcome.result: SUCCESS
  condition: selection
falsepositives: [A planned change of roles]
level: medium
use_case: privilege_escalation
runbook: |
  Find the ticket for the change; ask who asked for it.
  If there is none, take the role back and look at what it was used for.
""",
        "cases/granted.hit.ndjson": _okta("SUCCESS"),
        "cases/refused.miss.ndjson": _okta("FAILURE"),
    }


def _okta(result: str) -> str:
    return (
        '{"uuid":"00000000-0000-4000-8000-000000000001","published":"2026-03-17T09:14:00.000Z",'
        '"eventType":"user.account.privilege.grant","displayMessage":"Grant user privilege","version":"0",'
        '"actor":{"id":"00u1exampleADMIN","type":"User","alternateId":"admin@example.com","displayName":"An Admin"},'
        '"client":{"ipAddress":"192.0.2.10"},'
        f'"outcome":{{"result":"{result}"}},'
        '"target":[{"id":"00u1exampleALICE","type":"User","alternateId":"alice@example.com","displayName":"Alice"}]}\n'
    )


def _playbook(name: str) -> dict[str, str]:
    return {
        "playbook.yml": f"""\
type: playbook
spec_version: cacao-2.0
id: {name}
name: {_title(name)}
description: One sentence on when this is the right thing to do.
playbook_types: [investigation, notification]
playbook_activities: [analyze-collected-data, identify-audience]

applies:
  entity: user
  min_level: high
  min_risk: 0.5
  use_cases: [login_risk]
pre_checks:
  - "What must be known before anybody acts."

workflow_start: start
workflow:
  start: {{type: start, on_completion: keep_evidence}}
  keep_evidence:
    type: action
    name: Keep the account's events
    commands: [{{type: watchfloor, command: capture_events}}]
    on_completion: tell
  tell:
    type: action
    name: Tell the owner
    commands: [{{type: watchfloor, command: notify_owner}}]
    on_completion: end
  end: {{type: end}}

rollback: []
time_to_live: 8h
blast_radius: {{max_targets: 2}}
""",
    }


def _action(name: str) -> dict[str, str]:
    return {
        "action.yml": f"""\
id: {name}
title: "{_title(name)}, in one line for the person who approves it"
class: notify
operation: tell
targets: [user, host]
connector: example
permissions: ["Example.Send"]
impact:
  level: low
  words: "What the people concerned will notice."
reversible: false
undo: null
restore: "How people bring the former state back."
ttl: null
idempotency_key: "{{tenant}}/{{case}}/{{step}}/{{action}}/{{target}}"
check_before_act:
  read: "The call that tells whether it is already done"
  done_when: "the state in which there is nothing left to do"
dry_run: "What it would do, without doing it."
implementation: declared
""",
    }


def _filter(name: str) -> dict[str, str]:
    return {
        "filter.yml": f"""\
title: {_title(name)}
id: {uuid.uuid4()}
description: Which events these are.
logsource: {{product: okta, service: okta}}
detection:
  selection:
    eventType: {name}.heartbeat
  condition: selection
owner: you@example.com
reason: Why nobody will ever need them.
keep_one_in: 1000
""",
        "cases/heartbeat.dropped.ndjson": _okta("SUCCESS").replace("user.account.privilege.grant", f"{name}.heartbeat"),
        "cases/granted.kept.ndjson": _okta("SUCCESS"),
    }


def _policy(name: str) -> dict[str, str]:
    rule = name.replace("_", "-")
    return {
        f"{name}.cedar": f"""\
// What this group of policies protects.

@id("{rule}")
@reason("Why it may not be done just like that.")
@alternative("What can be done instead, today.")
@instead("capture-evidence")
@needs("1 incident_commander")
forbid (principal, action in [Action::"tell"], resource)
when {{ context.hour >= 22 }}
unless {{ context.approvals.incident_commander >= 1 }};
""",
        "cases/at_night.yml": f"""\
cases:
  - name: at night a commander decides
    request:
      action: notify_owner
      resource: {{type: host, id: "host:ws-17", criticality: low}}
      context: {{level: critical, risk: 0.95, sources: 2, hour: 23}}
    verdict: needs-approval
    policies: [{rule}]
""",
    }


_FILES: dict[Kind, Callable[[str], dict[str, str]]] = {
    "source": _source,
    "detection": _detection,
    "filter": _filter,
    "playbook": _playbook,
    "action": _action,
    "policy": _policy,
}
