"""The named functions that a mapping may apply to a value."""

import html
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from watchfloor.normalize.attack import attacks
from watchfloor.normalize.coerce import address, floating, integer, text_of

MAX_MAIL = 320
"""The longest mail address there is: 64 characters, ``@``, 255 characters (RFC 5321, 4.5.3.1)."""


def basename(value: Any) -> str | None:
    r"""The last part of a Windows, POSIX or URL path.

    >>> basename(r"C:\Windows\System32\cmd.exe"), basename("/usr/bin/env")
    ('cmd.exe', 'env')
    """
    text = text_of(value)
    if not text:
        return None
    text = text.rstrip("\\/")
    return text[max(text.rfind("\\"), text.rfind("/")) + 1 :] or None


def dirname(value: Any) -> str | None:
    r"""All but the last part of a path.

    >>> dirname(r"C:\Windows\cmd.exe")
    'C:\\Windows'
    """
    text = text_of(value)
    match = re.match(r"(.*)[\\/][^\\/]*$", text, re.DOTALL) if text else None
    return match[1] or None if match else None


def lower(value: Any) -> str | None:
    """The text in lower case."""
    text = text_of(value)
    return text.lower() if text is not None else None


def strip(value: Any) -> str | None:
    """The text without blanks around it, if anything is left."""
    text = text_of(value)
    return text.strip() or None if text else None


def upper(value: Any) -> str | None:
    """The text in upper case."""
    text = text_of(value)
    return text.upper() if text is not None else None


def account_name(value: Any) -> str | None:
    r"""The account of ``DOMAIN\account``, else the whole text.

    >>> account_name(r"CORP\alice"), account_name("alice@example.com")
    ('alice', 'alice@example.com')
    """
    text = text_of(value)
    return text.rpartition("\\")[2] or None if text else None


def account_domain(value: Any) -> str | None:
    r"""The domain of ``DOMAIN\account``, if it is given.

    >>> account_domain(r"CORP\alice"), account_domain("alice")
    ('CORP', None)
    """
    text = text_of(value)
    return text.rpartition("\\")[0] or None if text else None


def mail(value: Any) -> str | None:
    """The text if it has the form of a mail address or user principal name."""
    text = text_of(value)
    return text if text and len(text) <= MAX_MAIL and re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) else None


def ip(value: Any) -> str | None:
    """The text's IP address, if it is one."""
    return address(value) if isinstance(value, str) else None


def not_ip(value: Any) -> str | None:
    """The text if it is not an IP address: a host or service name."""
    return value if isinstance(value, str) and value and address(value) is None else None


def number(value: Any) -> int | None:
    """The integer that decimal or hexadecimal text stands for."""
    return integer(value)


def words(value: Any) -> list[str] | None:
    """The words of a text, as OAuth writes scopes.

    >>> words(" openid Mail.Read ")
    ['openid', 'Mail.Read']
    """
    return (text_of(value) or "").split() or None


def items(value: Any) -> list[str] | None:
    """The parts of a text between commas or semicolons.

    >>> items("FullAccess, SendAs")
    ['FullAccess', 'SendAs']
    """
    parts = (part.strip() for part in re.split("[,;]", text_of(value) or ""))
    return [part for part in parts if part] or None


_HASH_IDS = {"MD5": 1, "SHA1": 2, "SHA256": 3, "SHA512": 4, "IMPHASH": 99}


def hashes(value: Any) -> list[dict[str, Any]] | None:
    """OCSF fingerprints of ``SHA1=…,MD5=…`` as Sysmon writes them.

    >>> hashes("MD5=0A,IMPHASH=")
    [{'algorithm': 'MD5', 'algorithm_id': 1, 'value': '0A'}]
    """
    pairs = [part.split("=", 1) for part in (text_of(value) or "").split(",") if "=" in part]
    found = [
        {"algorithm": name, "algorithm_id": _HASH_IDS.get(name, 99), "value": digest}
        for name, digest in pairs
        if digest
    ]
    return found or None


def guid(value: Any) -> str | None:
    """A GUID without braces, in lower case; the zero GUID means none.

    >>> guid("{3F9A0C1E-0000-0000-0000-000000000001}"), guid("{00000000-0000-0000-0000-000000000000}")
    ('3f9a0c1e-0000-0000-0000-000000000001', None)
    """
    text = (text_of(value) or "").strip("{}").lower()
    return text if text.strip("0-") else None


MAX_SID = 184
"""The longest security identifier there is, in characters: 15 sub-authorities of ten digits after S-1 and a number."""

_SYSTEM, _SERVICE, _ADMIN, _USER = 3, 4, 2, 1
_SID_TYPES = (
    (re.compile(r"S-1-5-18$|S-1-5-(?:90|96)-"), _SYSTEM),
    (re.compile(r"S-1-5-(?:19|20)$|S-1-5-8\d-"), _SERVICE),
    (re.compile(r"S-1-5-21-[\d-]+-500$"), _ADMIN),
    (re.compile(r"S-1-(?:5-21|12-1)-\d"), _USER),
)


def sid_type(value: Any) -> int | None:
    """The OCSF user type of a Windows security identifier.

    >>> sid_type("S-1-5-18"), sid_type("S-1-5-21-1-2-3-500"), sid_type("S-1-5-21-1-2-3-1104"), sid_type("S-1-1-0")
    (3, 2, 1, None)
    """
    text = text_of(value) or ""
    return _known_sid_type(text) if len(text) <= MAX_SID else _sid_type(text)


def _sid_type(text: str) -> int | None:
    return next((type_id for pattern, type_id in _SID_TYPES if pattern.match(text)), None)


_known_sid_type = lru_cache(maxsize=4096)(_sid_type)


_RECORD_TYPES = {"1": "A", "2": "NS", "5": "CNAME", "6": "SOA", "12": "PTR", "15": "MX", "16": "TXT", "28": "AAAA"}


def dns_results(value: Any) -> list[dict[str, Any]] | None:
    """OCSF answers of the results text of the Windows DNS client.

    >>> dns_results("type:  5 www.example.net;::ffff:192.0.2.7;")
    [{'type': 'CNAME', 'rdata': 'www.example.net'}, {'type': 'A', 'rdata': '192.0.2.7'}]
    """
    answers = []
    for part in (text_of(value) or "").split(";"):
        typed = re.match(r"type:\s*(\d+)\s+(\S+)", part.strip())
        if typed:
            answers.append({"type": _RECORD_TYPES.get(typed[1], typed[1]), "rdata": typed[2]})
        elif found := address(part):
            answers.append({"type": "AAAA" if ":" in found else "A", "rdata": found})
    return answers or None


def rdata(value: Any) -> list[dict[str, Any]] | None:
    """OCSF answers of a list of records' texts.

    >>> rdata(["192.0.2.7", "www.example.net"])
    [{'rdata': '192.0.2.7'}, {'rdata': 'www.example.net'}]
    """
    values = value if isinstance(value, list) else [value]
    return [{"rdata": text} for text in map(text_of, values) if text] or None


def milliseconds(value: Any) -> int | None:
    """Milliseconds of a length of time in seconds.

    >>> milliseconds(0.0765), milliseconds("2"), milliseconds("soon"), milliseconds(-1)
    (76, 2000, None, None)
    """
    seconds = floating(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    return int(seconds * 1000) if seconds is not None and 0 <= seconds < 1e12 else None


def task_command(value: Any) -> str | None:
    """The command line of the first action in the XML definition of a scheduled task.

    >>> task_command("<Exec><Command>cmd.exe</Command><Arguments>/c a &amp; b</Arguments></Exec>")
    'cmd.exe /c a & b'
    """
    text = text_of(value) or ""
    parts = [re.search(f"<{tag}>([^<]*)</{tag}>", text) for tag in ("Command", "Arguments")]
    return " ".join(html.unescape(part[1]).strip() for part in parts if part) or None


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "basename": basename,
    "dirname": dirname,
    "lower": lower,
    "upper": upper,
    "strip": strip,
    "account_name": account_name,
    "account_domain": account_domain,
    "mail": mail,
    "ip": ip,
    "not_ip": not_ip,
    "number": number,
    "words": words,
    "items": items,
    "attacks": attacks,
    "hashes": hashes,
    "guid": guid,
    "sid_type": sid_type,
    "dns_results": dns_results,
    "task_command": task_command,
    "rdata": rdata,
    "milliseconds": milliseconds,
    "text": text_of,
}
