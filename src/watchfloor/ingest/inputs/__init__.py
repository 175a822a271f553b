"""The transports of a live run beside HTTP: one file for each, which holds its settings and reads with them.

An input stands under ``inputs:`` in the settings, told apart by its ``kind``:

==========  ==========================================================  ================
kind        reads                                                       needs
==========  ==========================================================  ================
``poll``    vendors' APIs, as the source's ``poll.yml`` says
``kafka``   topics, as a member of a consumer group                     the extra ``kafka``
``nats``    a JetStream stream, by a durable pull consumer               the extra ``nats``
``s3``      objects in buckets, as a queue of SQS tells of them         the extra ``s3``
``syslog``  RFC 5424 and RFC 3164 over UDP, TCP and TLS
``tail``    log files that grow, by globs, through every rotation
``folder``  whole files that are put into a folder, as any file is read
==========  ==========================================================  ================

Each runs until it is told to stop, connects again by itself, and acknowledges what is on disk and nothing else.
"""

from pathlib import Path
from typing import Any

import msgspec

from watchfloor.errors import InputError
from watchfloor.ingest.inputs.folder import Folder
from watchfloor.ingest.inputs.jetstream import Nats
from watchfloor.ingest.inputs.kafka import Kafka
from watchfloor.ingest.inputs.poll.poll import Poll
from watchfloor.ingest.inputs.s3 import S3
from watchfloor.ingest.inputs.syslog import Syslog
from watchfloor.ingest.inputs.tail import Tail
from watchfloor.ingest.inputs.transport import OnState, Transport

__all__ = ["Input", "OnState", "Transport", "input_of"]

Input = Folder | Kafka | Nats | Poll | S3 | Syslog | Tail
"""Any of them."""


def input_of(settings: Any, *, place: str) -> Input:
    """The input that settings, as read from YAML or JSON, stand for.

    >>> input_of({"kind": "syslog", "listen": "udp://127.0.0.1:5514"}, place="serve.yml").path
    'syslog+udp://127.0.0.1:5514'

    Raises:
        InputError: They stand for none; says what is wrong, and that it is in ``place``.
    """
    try:
        found: Input = msgspec.convert(settings, Input, dec_hook=_special)
    except msgspec.ValidationError as error:
        raise InputError(f"{place}: {error}") from error
    return found


def _special(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(kind)  # pragma: no cover - no setting is of another kind
