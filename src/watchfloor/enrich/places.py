r"""What the hosts of a Windows domain say of its accounts: which are computers, which exist on one host alone.

Windows writes a host's name short or qualified, a computer's account as the host's name and ``$``, and many accounts as
nothing but a SID, of which only the whole input shows whether it is the domain's or one host's own.
"""

from collections.abc import Collection, Iterable, Iterator

NETBIOS = 15
"""How many characters of a host's name its account and its own domain have."""

MAX_NAMES = 4
"""How many names of a device are remembered: with more than one it is known to be no single host."""

_DOMAIN_SID = "S-1-5-21-"


class Hosts:
    """The hosts that events came from; ids as ``host:ws-17.corp.example.com``."""

    def __init__(self) -> None:
        self._ids: dict[str, set[str]] = {}
        self._others: set[str] = set()
        self._devices: dict[str, set[str]] = {}

    def add(self, host_id: str) -> bool:
        """Note a host that Windows itself names; whether that is news."""
        return _added(self._ids.setdefault(host_id.partition(".")[0], set()), host_id)

    def add_other(self, host_id: str) -> bool:
        """Note a host of another system, which may have the short name of a Windows host and is not it."""
        return _added(self._others, host_id)

    def add_device(self, device_id: str, host_id: str) -> bool:
        """Note that a source gives a device the id ``host:NAMESPACE:UID`` and this name."""
        names = self._devices.setdefault(device_id, set())
        return len(names) <= MAX_NAMES and _added(names, host_id)

    def names(self) -> Iterator[tuple[str, str]]:
        """What else hosts are called, each with the host: short names, and what sources call their devices.

        A device of several names may be a machine that was cloned with its sensor: its id stands for none of them.
        """
        qualified = dict(self.short_names())
        yield from qualified.items()
        for device, names in self._devices.items():
            whole = {qualified.get(name, name) for name in names}
            if len(whole) == 1:
                yield device, whole.pop()

    def short_names(self) -> Iterator[tuple[str, str]]:
        """Each short name that one qualified name alone stands for, and that name."""
        for short, names in self._ids.items():
            qualified = names - {short}
            if len(qualified) == 1 and short not in self._others:
                yield short, qualified.pop()

    def computers(self, accounts: Iterable[str]) -> dict[str, str]:
        r"""The accounts that are a computer's, and its host: those named as a known host with a ``$`` behind it.

        An account of a host's own is none, whatever its name, nor is one that only looks like a computer's.

        >>> hosts = Hosts()
        >>> hosts.add("host:ws-17")
        True
        >>> hosts.computers([r"user:corp\ws-17$", r"user:ws-17\ws-17$", r"user:corp\svc$"])
        {'user:corp\\ws-17$': 'host:ws-17'}
        """
        known = {short.removeprefix("host:")[:NETBIOS]: short for short in self._ids}
        qualified = dict(self.short_names())
        found = {}
        for account in accounts:
            name, domain = _computer(account)
            short = known.get(name[:NETBIOS])
            if short is not None and domain[:NETBIOS] not in known:
                found[account] = qualified.get(short, short)
        return found


def _added(known: set[str], one: str) -> bool:
    if one in known:
        return False
    known.add(one)
    return True


def _computer(account: str) -> tuple[str, str]:
    """The name without its ``$`` and the domain of an account that could be a computer's; empty for any other."""
    domain, slash, name = account.partition(":")[2].partition("\\")
    if not slash:
        name, _, domain = domain.partition("@")
    return (name[:-1], domain) if name.endswith("$") else ("", "")


def is_of_host(sid: str) -> bool:
    """Whether a SID may be that of an account of one host: those of Entra ID are not."""
    return sid.startswith(_DOMAIN_SID)


def on_host(host: str, sid: str) -> str:
    """How a SID is known that may be one host's own: cloned machines share the SIDs of their accounts."""
    return f"{host}\\{sid}"


def domain_accounts(aliases: Collection[str]) -> Iterator[tuple[str, str]]:
    """Of ``aliases``, the SIDs of :func:`on_host` that are a domain's after all, each with its alias in the domain.

    Some event names a domain with another SID of it; the SIDs of a domain differ in their last number alone.
    """
    start = f"user:sid:{_DOMAIN_SID}"
    domains = {alias.removeprefix("user:sid:").rpartition("-")[0] for alias in aliases if alias.startswith(start)}
    for alias in aliases:
        sid = alias.rpartition("\\")[2]
        if sid.startswith(_DOMAIN_SID) and sid.rpartition("-")[0] in domains:
            yield alias, f"user:sid:{sid}"


def depends_on_hosts(alias: str) -> bool:
    """Whether only the whole input shows whom an alias stands for."""
    return alias.endswith("$") or "$@" in alias or alias.rpartition("\\")[2].startswith(_DOMAIN_SID)
