"""Vendor values to OCSF types: a valid value or nothing, never an exception."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.normalize.coerce import (
    address,
    boolean,
    coercer,
    floating,
    integer,
    text_of,
    timestamp,
)
from watchfloor.normalize.schema import Attribute, event_class, object_type, resolve

AUTHENTICATION = event_class("authentication", ("host", "cloud"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        ("2026-03-17T08:30:00Z", 1773736200000),
        ("2026-03-17T08:30:00", 1773736200000),
        ("2026-03-17 08:30:00+02:00", 1773729000000),
        ("2026-03-17T08:30:00.1234567Z", 1773736200123),
        (" 2026-03-17T08:30:00Z ", 1773736200000),
        (1773736200, 1773736200000),
        (1773736200123, 1773736200123),
        ("1773736200123456", 1773736200123),
        (1773736200.5, 1773736200500),
        ("", None),
        ("soon", None),
        ("2026-13-17T08:30:00Z", None),
        ("9" * 400, None),
        (-5, None),
        (True, None),
        ([], None),
        (float("nan"), None),
        (float("inf"), None),
        ("0001-01-01T00:00:00+23:59", None),
    ],
)
def test_timestamp(value: Any, milliseconds: int | None) -> None:
    assert timestamp(value) == milliseconds


@pytest.mark.parametrize(
    ("value", "ip"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:443", "192.0.2.1"),
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ("[192.0.2.1]:443", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("192.0.2.256", None),
        ("AWS Internal", None),
        ("", None),
        ("١٩٢.0.2.1", None),
    ],
)
def test_address(value: str, ip: str | None) -> None:
    assert address(value) == ip


@pytest.mark.parametrize(
    ("value", "number"),
    [("0x1F", 31), ("12", 12), (" 12 ", 12), (3.9, 3), ("1e3", None), (1 << 70, None), ("9" * 5000, None), ({}, None)],
)
def test_integer(value: Any, number: int | None) -> None:
    assert integer(value) == number


def test_floats_and_booleans_of_vendors() -> None:
    assert floating("48.8") == 48.8
    assert floating("nan") is None
    assert floating(float("inf")) is None
    assert boolean("TRUE") is True
    assert boolean("No ") is False
    assert boolean([]) is None


@given(JSON)
def test_no_value_breaks_a_scalar(value: Any) -> None:
    text_of(value)
    number = floating(value)
    assert number is None or math.isfinite(number)
    assert integer(value) is None or abs(integer(value) or 0) < 1 << 64
    assert boolean(value) in {True, False, None}
    moment = timestamp(value)
    assert moment is None or 0 <= moment < 1 << 63


@given(
    JSON, st.sampled_from(["time", "status_id", "is_mfa", "src_endpoint.ip", "src_endpoint.port", "user.email_addr"])
)
def test_no_value_breaks_an_attribute(value: Any, path: str) -> None:
    attribute = resolve(AUTHENTICATION.type, path, AUTHENTICATION.profiles)
    coercer(attribute)(value)


@pytest.mark.parametrize(
    ("path", "value", "coerced"),
    [
        ("status_id", 2, 2),
        ("status_id", "2", 2),
        ("status_id", 77, 99),
        ("src_endpoint.port", 65536, None),
        ("src_endpoint.port", "443", 443),
        ("user.email_addr", "alice@example.com", "alice@example.com"),
        ("user.email_addr", "alice", None),
        ("user.name", 7, "7"),
        ("user.name", {"a": 1}, '{"a":1}'),
        ("cloud.account.labels", "one", ["one"]),
        ("cloud.account.labels", [], None),
        ("http_request.x_forwarded_for", ["192.0.2.1", "x"], ["192.0.2.1"]),
    ],
)
def test_attribute(path: str, value: Any, coerced: Any) -> None:
    assert coercer(resolve(AUTHENTICATION.type, path, AUTHENTICATION.profiles))(value) == coerced


def test_an_object_is_an_object() -> None:
    assert coercer(Attribute("user", "object_t", object_name="user"))("alice") is None
    assert object_type("user").at_least_one == ("account", "name", "uid")


def test_a_text_that_the_schema_enumerates_is_one_of_its_words() -> None:
    method = coercer(resolve(event_class("http_activity").type, "http_request.http_method", ()))
    assert [method(value) for value in ("GET", "post", "BREW", True, None)] == ["GET", "POST", None, None, None]
