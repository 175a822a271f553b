"""Which column of the batch a rule's field is."""

from watchfloor.event import ENTITY_ROLES, HOT, NATIVE
from watchfloor.native import KEYWORDS, LogSource

OCSF = "ocsf"
"""The product of rules that are written against OCSF attributes instead of the vendor's field names."""

OCSF_CLASSES: dict[str, int] = {
    "file_activity": 1001,
    "kernel_extension_activity": 1002,
    "module_activity": 1005,
    "scheduled_job_activity": 1006,
    "process_activity": 1007,
    "event_log_activity": 1008,
    "script_activity": 1009,
    "account_change": 3001,
    "authentication": 3002,
    "authorize_session": 3003,
    "entity_management": 3004,
    "user_access": 3005,
    "group_management": 3006,
    "network_activity": 4001,
    "http_activity": 4002,
    "dns_activity": 4003,
    "smb_activity": 4006,
    "email_activity": 4009,
    "web_resources_activity": 6001,
    "application_lifecycle": 6002,
    "api_activity": 6003,
    "datastore_activity": 6005,
    "registry_key_activity": 201001,
    "registry_value_activity": 201002,
    "windows_service_activity": 201004,
}
"""The classes that a rule of the product ``ocsf`` can name as its category."""

_OCSF_COLUMNS = frozenset({*HOT, *(f"entity.{role}" for role in ENTITY_ROLES), "source", "tenant"})


def column_of(field: str | None, logsource: LogSource) -> str:
    """The column of a field; of no field, the column of all values, which keywords search.

    Raises:
        ValueError: An OCSF attribute that has no column.

    >>> column_of("Image", LogSource("windows"))
    'native.Image'
    >>> column_of("actor.user.name", LogSource("ocsf"))
    'actor.user.name'
    """
    if field is None:
        return KEYWORDS
    if logsource.product != OCSF:
        return NATIVE + field
    if field not in _OCSF_COLUMNS:
        raise ValueError(f"{field!r} is not an OCSF attribute with a column of its own")
    return field


def field_of(column: str) -> str:
    """The field's name as the rule writes it; nothing for keywords."""
    return "" if column == KEYWORDS else column.removeprefix(NATIVE)


def ocsf_class(logsource: LogSource) -> int | None:
    """The class that a rule of the product ``ocsf`` is limited to.

    Raises:
        ValueError: There is no such class, or the log source says more than a class.
    """
    if logsource.service:
        raise ValueError("a log source of the product 'ocsf' takes a category, not a service")
    if not logsource.category:
        return None
    if logsource.category not in OCSF_CLASSES:
        raise ValueError(f"{logsource.category!r} is not an OCSF class; known are {', '.join(sorted(OCSF_CLASSES))}")
    return OCSF_CLASSES[logsource.category]
