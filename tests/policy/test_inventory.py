from pathlib import Path

import pytest

from watchfloor.errors import ContentError
from watchfloor.event import entity_of
from watchfloor.inventory import read_assets
from watchfloor.policy.inventory import Inventory, guess


@pytest.mark.parametrize(
    ("name", "principal"),
    [
        ("user:alice@example.com", "person"),
        ("user:CORP\\Alice Service", "service"),
        ("user:Sally@example.com", "person"),
        ("user:botticelli@example.com", "person"),
        ("user:svc-backup", "service"),
        ("user:svc_backup", "service"),
        ("user:arn:aws:sts::111122223333:assumed-role/Web/i-0123456789abcdef0", "person"),
        ("user:arn:aws:sts::111122223333:assumed-role/Support/alice", "person"),
        ("user:CORP\\alice$", "person"),
        ("user:CORP\\svc$", "service"),
        ("user:NT AUTHORITY\\SYSTEM", "built-in"),
        ("user:S-1-5-18", "built-in"),
        ("user:S-1-5-21-1-2-3-1001", "person"),
        ("user:dwm-1", "built-in"),
        ("user:config.amazonaws.com", "built-in"),
        ("user:system@okta.com", "built-in"),
        ("user:ecosystem", "person"),
    ],
)
def test_what_stands_behind_an_account(name: str, principal: str) -> None:
    assert guess(entity_of(name)).principal == principal


@pytest.mark.parametrize(
    ("name", "admin", "break_glass"),
    [
        ("user:alice@example.com", False, False),
        ("user:badminton@example.com", False, False),
        ("user:CORP\\Administrator", True, False),
        ("user:adm-alice", True, False),
        ("user:alice.admin@example.com", True, False),
        ("user:break-glass-1@example.com", True, True),
    ],
)
def test_administrators_and_break_glass(name: str, *, admin: bool, break_glass: bool) -> None:
    resource = guess(entity_of(name))
    assert (resource.is_admin, resource.is_break_glass) == (admin, break_glass)


@pytest.mark.parametrize(
    ("trait", "principal", "admin", "break_glass"),
    [
        ("root", "person", True, True),
        ("admin", "person", True, False),
        ("service", "service", False, False),
        ("built-in", "built-in", False, False),
        ("role-session", "person", False, False),
    ],
)
def test_what_events_say_counts_whatever_the_name(
    trait: str, principal: str, *, admin: bool, break_glass: bool
) -> None:
    resource = Inventory().describe(entity_of("user:alice@example.com"), frozenset({trait}))
    assert (resource.principal, resource.is_admin, resource.is_break_glass) == (principal, admin, break_glass)


@pytest.mark.parametrize(
    ("name", "server", "controller"),
    [
        ("host:ws-17", False, False),
        ("host:laptop-adcock", False, False),
        ("host:dc-01.example.com", True, True),
        ("host:BERDC2", True, True),
        ("host:sql01", True, False),
        ("host:web-3.example.com", True, False),
    ],
)
def test_servers_and_domain_controllers(name: str, *, server: bool, controller: bool) -> None:
    resource = guess(entity_of(name))
    assert (resource.is_server, resource.is_domain_controller) == (server, controller)


@pytest.mark.parametrize("name", ["", "user:", "user:" + "a-" * 10_000, "user:\0\u202e", "odd"])
def test_hostile_names_are_guessed_quickly(name: str) -> None:
    assert guess(entity_of(name)).criticality == "unknown"


def test_what_is_declared_wins(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yml"
    path.write_text('resources:\n  - {type: host, id: "host:dc-01", criticality: low}\n')
    resource = Inventory.of(read_assets(path).values()).describe(entity_of("host:dc-01"))
    assert (resource.criticality, resource.is_domain_controller) == ("low", False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("resources:\n  - {type: host, id: a, criticalty: low}\n", "criticalty"),
        ("resources:\n  - {type: host, id: 'host:a'}\n  - {id: 'host:A'}\n", "twice"),
        ("resources:\n  - {type: host, id: a}\n", "no entity id"),
        ("resources:\n  - {type: user, id: 'host:a'}\n", "is no user"),
        ("hosts: []\n", "resources"),
    ],
)
def test_a_wrong_inventory_says_why(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "inventory.yml"
    path.write_text(text)
    with pytest.raises(ContentError, match=reason):
        read_assets(path)
