"""Clients that exist deliver, wait and send again as they do everywhere."""

import threading
import time
from typing import Any

import orjson
import pytest

Door = Any  # the fixture's class lives in conftest.py, which tests do not import

pytestmark = pytest.mark.live


def test_the_clients_of_elasticsearch_deliver_and_wait_where_they_are_told_to(door: Door) -> None:
    elasticsearch = pytest.importorskip("elasticsearch")
    from elasticsearch.helpers import bulk, streaming_bulk  # noqa: PLC0415

    client = elasticsearch.Elasticsearch(
        f"http://127.0.0.1:{door.port}", basic_auth=("shipper", door.token), retry_on_timeout=True
    )
    assert client.info()["version"]["number"].startswith("8.")
    taken, errors = bulk(client, ({"_index": "logs", "n": number} for number in range(700)))
    assert (taken, errors) == (700, [])
    door.intake.backlog = 1 << 20
    threading.Timer(1.5, lambda: setattr(door.intake, "backlog", 0)).start()
    more = ({"_index": "logs", "n": number} for number in range(700, 800))
    told = list(streaming_bulk(client, more, chunk_size=50, max_retries=10, initial_backoff=0.3))
    assert all(ok for ok, _ in told)
    assert sorted(orjson.loads(raw)["n"] for raw in door.raw()) == list(range(800))
    client.close()


def test_the_exporter_of_opentelemetry_delivers_and_waits_where_it_is_told_to(door: Door) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    from opentelemetry._logs import SeverityNumber  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415

    exporter = OTLPLogExporter(
        endpoint=f"http://127.0.0.1:{door.port}/v1/logs", headers={"Authorization": f"Bearer {door.token}"}, timeout=20
    )
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, schedule_delay_millis=50))
    door.intake.backlog = 1 << 20
    threading.Timer(1.0, lambda: setattr(door.intake, "backlog", 0)).start()
    provider.get_logger("sshd").emit(
        severity_number=SeverityNumber.WARN,
        severity_text="WARN",
        body="Failed password for root",
        attributes={"port": 22},
    )
    deadline = time.monotonic() + 20
    while not door.raw() and time.monotonic() < deadline:
        time.sleep(0.1)
    provider.shutdown()
    (record,) = (orjson.loads(raw) for raw in door.raw())
    assert record["body"] == "Failed password for root"
    assert record["attributes"]["port"] == 22
    assert record["severityText"] == "WARN"
