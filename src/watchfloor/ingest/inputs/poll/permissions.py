"""Asks a vendor, with one small request for each permission, whether the credentials have it."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Literal

import msgspec

from watchfloor.clock import Clock
from watchfloor.errors import RemoteError
from watchfloor.ingest.inputs.poll.api import Api, moment
from watchfloor.ingest.inputs.poll.definition import Definition, Permission
from watchfloor.ingest.inputs.poll.fault import AnswerError, CredentialsError, PermissionMissingError
from watchfloor.ingest.inputs.poll.template import fill
from watchfloor.ingest.inputs.poll.values import Values

_LOOK_BACK = timedelta(hours=1)


class Checked(msgspec.Struct, frozen=True):
    """What a request said about a permission; ``reason`` is empty if it is there."""

    name: str
    state: Literal["ok", "missing", "unknown"]
    reason: str
    grant: str


async def check(definition: Definition, values: Values, api: Api, clock: Clock) -> AsyncIterator[Checked]:
    """Each permission of a source, as soon as it is known."""
    for permission in definition.permissions:
        for texts in values.each(permission.each):
            yield await _checked(permission, texts, api, clock)


async def _checked(permission: Permission, texts: Mapping[str, str], api: Api, clock: Clock) -> Checked:
    now = clock()
    window = {"since": now - _LOOK_BACK, "until": now}
    times = {name: moment(int(time.timestamp()), permission.times) for name, time in window.items()}
    name = fill(permission.name, texts)
    try:
        await api.get(api.url(permission.get, permission.query, {**texts, **times}), accepted=permission.accepted)
    except (CredentialsError, PermissionMissingError) as error:
        return Checked(name, "missing", str(error), permission.grant)
    except AnswerError as error:
        state: Literal["missing", "unknown"] = "missing" if error.status in permission.missing else "unknown"
        return Checked(name, state, str(error), permission.grant)
    except RemoteError as error:
        # What cannot be reached says nothing of permissions.
        return Checked(name, "unknown", str(error), permission.grant)
    return Checked(name, "ok", "", permission.grant)
