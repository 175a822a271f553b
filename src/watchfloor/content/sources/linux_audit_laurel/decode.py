"""LAUREL's events with what rules ask for spelled out: the call, the whole command line, absolute paths, a time."""

import posixpath
from collections.abc import Iterator
from typing import Any

_NUMBERS = {
    2: "open",
    42: "connect",
    43: "accept",
    49: "bind",
    59: "execve",
    76: "truncate",
    82: "rename",
    83: "mkdir",
    84: "rmdir",
    85: "creat",
    86: "link",
    87: "unlink",
    88: "symlink",
    90: "chmod",
    91: "fchmod",
    92: "chown",
    101: "ptrace",
    105: "setuid",
    165: "mount",
    175: "init_module",
    176: "delete_module",
    188: "setxattr",
    257: "openat",
    260: "fchownat",
    263: "unlinkat",
    264: "renameat",
    265: "linkat",
    266: "symlinkat",
    268: "fchmodat",
    288: "accept4",
    313: "finit_module",
    316: "renameat2",
    322: "execveat",
}
"""Numbers of x86_64, for records in which LAUREL was not told to translate."""

_ABOUT_CALLS = frozenset(
    {"SYSCALL", "EXECVE", "CWD", "PATH", "PROCTITLE", "SOCKADDR", "BPRM_FCAPS", "MMAP", "KERN_MODULE", "FD_PAIR", "EOE"}
)
_NO_TYPES = frozenset({"ID", "NODE", "PARENT_INFO", "CONTAINER_INFO"})
_UNTOUCHED = frozenset({"PARENT"})


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with ``time``, ``types``, ``call``, ``command``, ``parent_command`` and ``targets`` where it has them.

    A message of a program (a login, an added account) has its one record under ``msg``.
    """
    made = dict(record)
    types = [key for key, value in record.items() if key.isupper() and key not in _NO_TYPES and value]
    made["types"] = types
    made["time"] = _time(record.get("ID"))
    call = _object(record.get("SYSCALL"))
    if call:
        made["call"] = call.get("SYSCALL") or _named(call.get("syscall"))
        made["targets"] = list(_targets(record))
        made["peer"] = _peer(record)
    elif types:
        made["call"] = next((one for one in types if one not in _ABOUT_CALLS), types[0])
        made["msg"] = _object(made.pop(made["call"], None))
    made["command"] = _words(record.get("EXECVE")) or _words(record.get("PROCTITLE"))
    made["parent_command"] = _words(record.get("PARENT_INFO"))
    return made


def _named(number: Any) -> str:
    return _NUMBERS.get(number, "syscall") if isinstance(number, int) else "syscall"


def _time(event_id: Any) -> float | None:
    """The seconds of ``SECONDS.MILLISECONDS:SERIAL``."""
    seconds = str(event_id).partition(":")[0]
    return float(seconds) if seconds.replace(".", "", 1).isdecimal() else None


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        value = next(iter(value), None)
    return value if isinstance(value, dict) else {}


def _words(value: Any) -> str | None:
    source = _object(value)
    words = source.get("ARGV")
    if isinstance(words, list):
        return " ".join(str(word) for word in words)
    whole = source.get("ARGV_STR") or source.get("proctitle")
    return whole if isinstance(whole, str) else None


def _targets(record: dict[str, Any]) -> Iterator[str]:
    """What the call was about; the directory of a path that was created is not it."""
    paths = record.get("PATH")
    cwd = _object(record.get("CWD")).get("cwd")
    for path in paths if isinstance(paths, list) else [paths]:
        name = _object(path).get("name")
        if isinstance(name, str) and _object(path).get("nametype") not in _UNTOUCHED:
            yield posixpath.normpath(posixpath.join(cwd, name)) if isinstance(cwd, str) else name


def _peer(record: dict[str, Any]) -> dict[str, Any] | None:
    address = _object(record.get("SOCKADDR"))
    return _object(address.get("SADDR")) or None
