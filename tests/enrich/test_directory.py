"""Directories as people write them, and as nobody should."""

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.enrich.directory import MAX_TERMS, read_directory
from watchfloor.errors import InputError


def csv(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def names(data: bytes, namespace: str = "") -> dict[str, list[str]]:
    read = read_directory(data, name="people.csv", namespace=namespace)
    return {person.uid: [term.alias for term in person.terms] for person in read.people}


def test_a_row_is_a_person_and_rows_of_one_id_are_the_same() -> None:
    data = csv(
        "\ufeffID,mail,UPN,sid,arn,github_id,department,alias",
        "1,Alice@Example.com;alice@example.org,,S-1-5-21-1-2-3-1104,,alice-gh,Sales,",
        "1,,alice@corp.example.com,,arn:aws:iam::111122223333:user/alice,,,app:payroll",
        "2,bob@example.com,,,,,,",
    )
    assert names(data) == {
        "1": [
            "user:alice@example.com",
            "user:alice@example.org",
            "user:sid:S-1-5-21-1-2-3-1104",
            "user:github:alice-gh",
            "user:alice@corp.example.com",
            "user:arn:aws:iam::111122223333:user/alice",
            "app:payroll",
        ],
        "2": ["user:bob@example.com"],
    }


def test_scim_users_have_their_ids_and_those_who_left_an_end() -> None:
    users = [
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": "00u1",
            "userName": "alice@example.com",
            "displayName": "Alice  Example",
            "emails": [{"value": "a.example@example.com", "primary": True}, "odd", {"value": None}],
            "active": False,
            "meta": {"created": "2024-01-01T00:00:00Z", "lastModified": "2026-01-01T00:00:00Z"},
        },
        {"id": "00u2", "userName": "team", "userType": "Shared", "emails": [{"value": "team@example.com"}]},
    ]
    whole = orjson.dumps({"totalResults": 2, "Resources": users})
    lines = b"\n".join(map(orjson.dumps, users))
    for data in (whole, lines, orjson.dumps(users)):
        alice, team = read_directory(data, name="users.json", namespace="okta").people
        assert [term.alias for term in alice.terms] == [
            "user:alice@example.com",
            "user:a.example@example.com",
            "user:okta:00u1",
        ]
        assert (alice.name, alice.terms[0].since, alice.terms[0].until) == (
            "Alice Example",
            1_704_067_200_000,
            1_767_225_600_000,
        )
        assert team.kind == "shared"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("=HYPERLINK(1)/x,a@example.com,,", "without slashes"),
        (",a@example.com,,", "an id is a text"),
        ("1,=cmd|' /C calc'!A0,,", "no mail address"),
        ("1,a@example.com,robot,", "none of person"),
        ("1,a@example.com,,yesterday", "Invalid isoformat"),
        ("1," + "x" * 100_000 + "@example.com,,", "no mail address"),
        ("1," + ";".join(f"a{n}@example.com" for n in range(MAX_TERMS + 1)) + ",,", "more than 64 names"),
    ],
)
def test_an_entry_that_is_none_is_named_and_the_others_count(row: str, reason: str) -> None:
    data = csv("id,mail,kind,valid_from", "2,bob@example.com,,", row)
    read = read_directory(data, name="people.csv", namespace="")
    assert [person.uid for person in read.people] == ["2"]
    assert read.refused_count == 1
    assert read.refused[0].startswith("people.csv:3: ")
    assert reason in read.refused[0]
    assert len(read.refused[0]) < 300


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no people in it"),
        (b"mail\na@example.com\n", "has a column id"),
        (b"id\n\xff\n", "not UTF-8 at byte 3"),
        (b"{]", "not JSON"),
        (b'{"Resources": 1}', "Resources is no list"),
        (b"[1, null, [], {}]", "no people in it; people.csv:#1: not a user"),
        (b"[" * 100_000, "not JSON"),
        (b'id,mail\n"1', "not CSV"),
        (b"id,mail\n1," + b"x" * 1_000_000, "people.csv:2: not CSV: field larger than field limit"),
    ],
)
def test_what_is_no_directory_is_one_line(data: bytes, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        read_directory(data, name="people.csv", namespace="")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "userName", "emails", "meta", "value", "active", "created"]), inner)
    ),
    max_leaves=12,
)


@given(st.lists(_JSON, max_size=4))
def test_users_of_any_shape_are_read_or_refused(users: list[object]) -> None:
    data = orjson.dumps(users, option=orjson.OPT_NON_STR_KEYS) if _fits(users) else b"[]"
    try:
        read = read_directory(data, name="x", namespace="okta")
    except InputError:
        return
    assert all(person.uid for person in read.people)


def _fits(value: object) -> bool:
    try:
        orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError):
        return False
    return True


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_refused(noise: bytes) -> None:
    for data in (noise, b"id,mail,valid_from\n" + noise, b'[{"id":"1"},' + noise):
        with suppress(InputError):
            read_directory(data, name="x", namespace="")
