"""One row of an osquery result with its table named, where its columns tell it."""

from typing import Any

_TABLES: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (table, frozenset(columns.split()))
    for table, columns in (
        ("process_events", "pid path cmdline auid"),
        ("process_events", "pid path cmdline eid"),
        ("es_process_events", "pid path cmdline event_type"),
        ("socket_events", "remote_address remote_port action pid"),
        ("file_events", "target_path action"),
        ("listening_ports", "port address protocol"),
        ("listening_ports", "port pid protocol"),
        ("process_open_sockets", "remote_address remote_port pid local_port"),
        ("processes", "pid path cmdline"),
        ("users", "username shell directory"),
        ("logged_in_users", "user tty host"),
        ("last", "username tty host"),
        ("shell_history", "command history_file"),
        ("crontab", "command minute hour"),
        ("launchd", "program_arguments run_at_load"),
        ("startup_items", "name path type status"),
        ("packages", "name version"),
    )
)


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with ``table``; a snapshot of one row becomes a row of its own."""
    made = dict(record)
    snapshot = record.get("snapshot")
    if isinstance(snapshot, list) and len(snapshot) == 1:
        made["columns"] = made.pop("snapshot")[0]
    columns = made.get("columns")
    if isinstance(columns, dict):
        made["table"] = _table(record.get("name"), columns)
    return made


def _table(name: Any, columns: dict[str, Any]) -> str | None:
    """The table that the columns tell; of several, the one that the query's name ends with."""
    fitting = [table for table, needed in _TABLES if needed <= columns.keys()]
    said = str(name).lower()
    return next((table for table in fitting if said.endswith(table)), next(iter(fitting), None))
