"""Makes a lake of synthetic events: a company of some size that logs on, starts programs and connects, hour after hour.

The events are made by DuckDB from hashes of their numbers, so that the same numbers give the same events. Accounts
are as uneven as accounts are: a few have many events, many have few. Addresses, hosts and files are drawn evenly.
"""

import time
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa

from watchfloor.event import EVENT_SCHEMA
from watchfloor.store.lake import Lake

USERS, HOSTS, FILES, ADDRESSES = 20_000, 30_000, 200_000, 1 << 20
BATCH = 16_384
START = 1_773_705_600_000
EVENTS_A_DAY = 10_000_000 // 3
"""So that ten million events are three days."""

_DAY = 86_400_000

_EVENTS = """
    WITH drawn AS (
        SELECT i, hash(i, 1) AS a, hash(i, 2) AS b, hash(i, 3) AS c, (hash(i, 4) % 4)::INTEGER AS kind,
            $start::BIGINT + (i * $day // $rate)::BIGINT + (hash(i, 5) % 60000)::BIGINT AS t
        FROM range($first, $last) numbers(i)
    ), named AS (
        SELECT *, md5(i::VARCHAR) AS uid, user_name(floor($users * pow((b % 1000000) / 1000000.0, 3))) AS u,
            host_name(c % $hosts) AS h, address(a % $addresses) AS ip, file_hash((c >> 20) % $files) AS sha,
            'C:\\Program Files\\App ' || ((c >> 20) % $files) || '\\app.exe' AS path
        FROM drawn
    )
    SELECT 'default' AS tenant, 'windows_event_log' AS source, t AS "time",
        [3002, 1007, 4001, 4003][kind + 1] AS class_uid, [3, 1, 4, 4][kind + 1] AS category_uid, 1 + (a >> 40) % 3 AS
        activity_id, 1 + (b >> 40) % 5 AS severity_id, 1 + (c >> 40) % 2 AS status_id, 'windows_event_log:' || uid AS
        "metadata.uid", 'Security' AS "metadata.log_name", (4624 + kind)::VARCHAR AS "metadata.event_code", u AS
        "actor.user.name", 'S-1-5-21-1-2-3-' || u AS "actor.user.uid", h AS "device.hostname", CASE WHEN kind <> 1
        THEN ip END AS "src_endpoint.ip", CASE WHEN kind >= 2 THEN 1024 + (b >> 10) % 64000 END AS
        "src_endpoint.port", CASE WHEN kind >= 2 THEN '198.51.100.' || (c % 250) END AS "dst_endpoint.ip", CASE WHEN
        kind = 1 THEN path END AS "process.file.path", CASE WHEN kind = 1 THEN '"' || path || '" --id ' || (a %
        1000000000) || ' --as ' || u END AS "process.cmd_line", CASE WHEN kind = 1 THEN a % 60000 END AS
        "process.pid", CASE WHEN kind = 3 THEN h END AS "query.hostname", 'user:' || u AS "entity.actor", 'host:' ||
        h AS "entity.host", CASE WHEN kind <> 1 THEN 'address:' || ip END AS "entity.address",
        '{"metadata.version":"1.8.0","metadata.product.feature.name":"Security","device.type_id":1,"activity_name":"Start"'
        || CASE WHEN kind = 1 THEN ',"process.file.hashes":[{"algorithm_id":3,"algorithm":"SHA-256","value":"' || sha
        || '"}]' ELSE '' END || '}' AS rest, '{"Keywords":"0x8020000000000000","Task":' || (12544 + kind) ||
        ',"Version":2}' AS unmapped, 'bench.ndjson' AS "origin.path", i + 1 AS "origin.line", t + 1000 AS
        ingested_at, encode('{"EventTime":' || t || ',"Computer":"' || h || '","TargetUserName":"' || u ||
        '","IpAddress":"' || ip || '","ActivityID":"' || uid || '","NewProcessName":"' || replace(path, '\\', '\\\\')
        || '","Hashes":"SHA256=' || sha ||
        '","Provider":"Microsoft-Windows-Security-Auditing","Guid":"54849625-5478-4994-A5BA-3E3B0328C30D"}') AS raw
    FROM named
"""
_NAMES = (
    "CREATE MACRO user_name(n) AS 'user' || lpad(n::INTEGER::VARCHAR, 5, '0')",
    "CREATE MACRO host_name(n) AS 'ws-' || lpad(n::VARCHAR, 5, '0') || '.corp.example.com'",
    "CREATE MACRO address(n) AS '10.' || (n // 65536) || '.' || (n // 256 % 256) || '.' || (n % 256)",
    "CREATE MACRO file_hash(n) AS sha256('file ' || n)",
)


def build(lake: Lake, events: int, on_progress: Callable[[int], None]) -> dict[str, float]:
    """Fill a lake; gives the CPU seconds of making events, of writing them, and the time that passed."""
    began, making, writing = time.perf_counter(), 0.0, 0.0
    with duckdb.connect(config={"threads": 1}) as connection, lake.writer() as writer:
        for statement in _NAMES:
            connection.execute(statement)
        for first in range(0, events, BATCH):
            start = time.process_time()
            batch = _batch(connection, first, min(first + BATCH, events))
            made = time.process_time()
            writer.append(batch)
            making, writing = making + made - start, writing + time.process_time() - made
            on_progress(first)
        start = time.process_time()
        writer.flush()
        writing += time.process_time() - start
    return {"seconds": time.perf_counter() - began, "making_cpu_seconds": making, "writing_cpu_seconds": writing}


def needles(kind: str, count: int) -> list[str]:
    """Queries for one value each, drawn evenly among those that there are; the same ones each time."""
    before, sql, size = _NEEDLES[kind]
    with duckdb.connect() as connection:
        for statement in _NAMES:
            connection.execute(statement)
        drawn = connection.execute(sql, {"count": count, "size": size}).fetchall()
    return [before + text for (text,) in drawn]


_NEEDLES = {
    "user": ("actor.user.name=", "SELECT user_name(hash(i, 11) % $size) FROM range($count) r(i)", USERS),
    "ip": ("ip:", "SELECT address(hash(i, 12) % $size) FROM range($count) r(i)", ADDRESSES),
    "host": ("host:", "SELECT host_name(hash(i, 13) % $size) FROM range($count) r(i)", HOSTS),
    "hash": ("hash:", "SELECT file_hash(hash(i, 14) % $size) FROM range($count) r(i)", FILES),
    "entity": ("entity:user:", "SELECT user_name(hash(i, 15) % $size) FROM range($count) r(i)", USERS),
    "uid": (
        "metadata.uid=windows_event_log:",
        "SELECT md5((hash(i, 16) % $size)::VARCHAR) FROM range($count) r(i)",
        1_000_000,
    ),
}
"""By kind: how a query for a value begins, the values, and of how many."""

KINDS = tuple(_NEEDLES)


def _batch(connection: duckdb.DuckDBPyConnection, first: int, last: int) -> pa.RecordBatch:
    values: dict[str, Any] = {"first": first, "last": last, "start": START, "day": _DAY, "rate": EVENTS_A_DAY}
    values |= {"users": USERS, "hosts": HOSTS, "files": FILES, "addresses": ADDRESSES}
    made = connection.sql(_EVENTS, params=values).to_arrow_table().combine_chunks()
    columns = [
        made.column(field.name).combine_chunks().cast(field.type)
        if field.name in made.column_names
        else pa.nulls(made.num_rows, field.type)
        for field in EVENT_SCHEMA
    ]
    return pa.RecordBatch.from_arrays(columns, schema=EVENT_SCHEMA)
