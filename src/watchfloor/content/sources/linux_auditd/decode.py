"""Lines of the Linux audit daemon with their fields read: encoded texts decoded, calls named, addresses readable."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

_PAIR = re.compile(r"(?<![\w-])([\w-]{1,64})=(?:\"([^\"]*+)\"?|'([^']*+)'?|(\S*+))")
_HEX = re.compile(r"(?:[0-9A-F]{2})+")
_ENCODED = frozenset(
    {
        "comm",
        "exe",
        "proctitle",
        "name",
        "cwd",
        "cmd",
        "acct",
        "key",
        "path",
        "dir",
        "file",
        "data",
        "old",
        "new",
        "grp",
    }
)
"""Fields that are written in hexadecimal if they hold a blank, a quotation mark or a control character."""
_MAX_FIELDS = 2048
_ENRICHED = "\x1d"
"""Before the names that the daemon puts behind the numbers."""

_CALLS = {
    2: "open",
    41: "socket",
    42: "connect",
    43: "accept",
    49: "bind",
    50: "listen",
    56: "clone",
    59: "execve",
    62: "kill",
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
    93: "fchown",
    101: "ptrace",
    105: "setuid",
    117: "setresuid",
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
    319: "memfd_create",
    322: "execveat",
}
"""Numbers of x86_64, for lines without the name."""
_LINE = re.compile(
    r"(?:node=(?P<node>\S+) )?type=(?P<type>[A-Z][A-Z0-9_]*|UNKNOWN\[\d+\]) "
    r"msg=audit\((?P<seconds>\d{1,12}\.\d{1,3}):(?P<serial>\d+)\): ?(?P<fields>.*)"
)
_OF_EVENT = frozenset({"type", "audit_id", "time", "serial", "node"})
_NO_NAMES = frozenset({None, "", "(null)"})
_X86_64 = "c000003e"
_IPV4, _IPV6 = "0200", "0A00"


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with the fields of the line, those of a program's own message (``msg``) among them.

    Of an event of several lines, the call is the record, with ``types``, arguments, directory, files and peer of the
    other lines.
    """
    first, *others = str(record.get("fields", "")).split("\n")
    made = _line(record | {"fields": first})
    lines = [made, *(_line(found.groupdict()) for text in others if (found := _LINE.match(text)))]
    made = next((one for one in lines if one["type"] == "SYSCALL"), made)
    for name in ("node", "syslog"):
        if name in record:
            made[name] = record[name]
    return made | {"types": [one["type"] for one in lines]} | (_of_others(lines) if len(lines) > 1 else {})


def _line(record: dict[str, Any]) -> dict[str, Any]:
    kind = str(record.get("type"))
    made = {name: value for name, value in record.items() if name not in {"fields", "message"} and value is not None}
    for part in str(record.get("fields", "")).split(_ENRICHED, 1):
        made |= {name: value for name, value in _fields(part, kind) if name not in made}
    made["audit_id"] = f"{record.get('seconds')}:{record.get('serial')}"
    made["time"] = float(made.pop("seconds"))
    made = dict(_fields(str(made.pop("msg", "")), kind)) | made
    if kind == "SYSCALL":
        made["call"] = made.get("SYSCALL") or _call(made)
    if kind == "EXECVE":
        made["command"] = " ".join(_arguments(made))
    if kind == "PROCTITLE" and isinstance(made.get("proctitle"), str):
        made["command"] = made["proctitle"].replace("\0", " ").strip()
    if kind == "SOCKADDR":
        made["peer"] = _peer(str(made.get("saddr")))
    return made


def _of_others(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """What the other lines of an event say; the arguments that a call got as numbers give way to those of a program."""
    more: dict[str, Any] = {}
    files = [one for one in lines if one["type"] == "PATH" and one.get("nametype") != "PARENT"]
    names = [str(one.get("name")) for one in files if one.get("name") not in _NO_NAMES]
    for one in lines:
        if one["type"] in {"EXECVE", "CWD", "SOCKADDR", "KERN_MODULE"}:
            more |= {name: value for name, value in one.items() if name not in _OF_EVENT and value is not None}
        elif one["type"] == "PROCTITLE":
            more.setdefault("command", one.get("command"))
            more["proctitle"] = one.get("proctitle")
    if files:
        more |= {"name": names, "nametype": [one.get("nametype") for one in files]}
        if names:
            directory = str(more.get("cwd") or "")
            more["target"] = names[-1] if names[-1].startswith("/") or not directory else f"{directory}/{names[-1]}"
    return more


def _fields(text: str, kind: str) -> Iterator[tuple[str, str]]:
    for count, found in enumerate(_PAIR.finditer(text)):
        if count >= _MAX_FIELDS:
            raise ValueError(f"more than {_MAX_FIELDS:,} fields")
        name, quoted, single, plain = found.groups()
        encoded = name in _ENCODED or (kind == "EXECVE" and name.startswith("a") and name[1:2].isdigit())
        if plain and encoded and _HEX.fullmatch(plain):
            plain = bytes.fromhex(plain).decode("utf-8", "replace")
        yield name, next(value for value in (quoted, single, plain, "") if value is not None)


def _call(record: dict[str, Any]) -> str:
    number = str(record.get("syscall"))
    known = record.get("arch") == _X86_64 and number.isascii() and number.isdigit() and len(number) < 5
    return _CALLS.get(int(number), number) if known else number


def _arguments(record: dict[str, Any]) -> Iterator[str]:
    """The arguments in their order; a long one is cut into pieces, ``a1[0]``, ``a1[1]``."""
    for number in range(_MAX_FIELDS):
        if (value := record.get(f"a{number}")) is None:
            return
        yield str(value)


def _peer(saddr: str) -> dict[str, Any] | None:
    """Address and port of a ``saddr``, which is a C structure in hexadecimal."""
    if not _HEX.fullmatch(saddr) or saddr[:4] not in {_IPV4, _IPV6}:
        return None
    data = bytes.fromhex(saddr)
    address = data[4:8] if saddr.startswith(_IPV4) else data[8:24]
    if len(address) not in {4, 16}:
        return None
    return {"addr": str(ipaddress.ip_address(address)), "port": int.from_bytes(data[2:4], "big")}
