"""Networks in CIDR notation, as a range of texts that sort as the addresses in them do.

An IPv4 address is compared as ``192.000.002.001``, an IPv6 address as its 32 hexadecimal digits; what is not an
address is in no network.
"""

from ipaddress import IPv4Network, ip_network

_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4 = rf"({_OCTET}\.){{3}}{_OCTET}"
_GROUP = r"[0-9a-fA-F]{1,4}"
IPV6 = rf"(({_GROUP}:){{7}}{_GROUP}|(({_GROUP}:)*{_GROUP})?::(({_GROUP}:)*{_GROUP})?)"

Range = tuple[str, str]


def network(text: str) -> tuple[str, Range] | None:
    """The template of SQL and the range for a network; ``None`` if the text is none.

    The template takes ``{value}``, ``{low}`` and ``{high}``, each a piece of SQL.

    >>> network("192.0.2.0/24")[1]
    ('192.000.002.000', '192.000.002.255')
    >>> network("2001:db8::/32")[1]
    ('20010db8000000000000000000000000', '20010db8ffffffffffffffffffffffff')

    Raises:
        ValueError: It looks like one and is not.
    """
    if "/" not in text:
        return None
    found = ip_network(text, strict=False)
    ends = (found.network_address, found.broadcast_address)
    if isinstance(found, IPv4Network):
        low, high = (".".join(f"{int(part):03}" for part in str(end).split(".")) for end in ends)
        return _V4, (low, high)
    low, high = (f"{int(end):032x}" for end in ends)
    return _V6, (low, high)


_V4 = (
    f"(regexp_full_match({{value}}, '{IPV4}') AND array_to_string(list_transform("
    "string_split({value}, '.'), lambda part: lpad(part, 3, '0')), '.') BETWEEN {low} AND {high})"
)
_HEAD = "list_filter(string_split(split_part(lower({value}), '::', 1), ':'), lambda part: part <> '')"
_TAIL = "list_filter(string_split(split_part(lower({value}), '::', 2), ':'), lambda part: part <> '')"
_V6 = (
    f"(contains({{value}}, ':') AND regexp_full_match({{value}}, '{IPV6}') "
    f"AND len({_HEAD}) + len({_TAIL}) <= CASE WHEN contains({{value}}, '::') THEN 7 ELSE 8 END "
    f"AND array_to_string(list_transform(list_concat({_HEAD}, "
    f"list_transform(range(8 - len({_HEAD}) - len({_TAIL})), lambda gap: '0'), {_TAIL}), "
    "lambda part: lpad(part, 4, '0')), '') BETWEEN {low} AND {high})"
)
