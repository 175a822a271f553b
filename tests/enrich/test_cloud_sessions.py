"""Whose sessions of AWS roles are: a name that the caller chooses is nobody's."""

from typing import Any

import pytest
from tests.enrich.conftest import Tag

ACCOUNT = "111122223333"
CEO = "ceo@example.com"
SSO_ROLE = "AWSReservedSSO_Admin_0123456789abcdef"
SSO_PATH = "aws-reserved/sso.amazonaws.com/eu-central-1/"
OKTA = {
    "eventType": "user.session.start",
    "published": "2026-03-17T08:00:00Z",
    "uuid": "okta-1",
    "actor": {"id": "00uCEO", "type": "User", "alternateId": CEO, "displayName": "The CEO"},
    "outcome": {"result": "SUCCESS"},
}
MALLORY = {
    "type": "IAMUser",
    "principalId": "AIDAMALLORYEXAMPLE",
    "arn": f"arn:aws:iam::{ACCOUNT}:user/mallory",
    "accountId": ACCOUNT,
    "userName": "mallory",
}


def call(identity: dict[str, Any], name: str = "ListUsers", **fields: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "eventID": f"aws-{name}-{identity.get('arn')}",
        "eventTime": "2026-03-17T09:00:00Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "sourceIPAddress": "198.51.100.23",
        "recipientAccountId": ACCOUNT,
        "userIdentity": identity,
        **fields,
    }


def session(role: str, name: str, path: str = "", **context: Any) -> dict[str, Any]:
    issuer = {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/{path}{role}", "userName": role}
    return {
        "type": "AssumedRole",
        "principalId": f"AROA{role[-8:].upper()}EXAMPLE:{name}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}",
        "accountId": ACCOUNT,
        "sessionContext": {"sessionIssuer": issuer, **context},
    }


def assume(name: str, *, refused: bool = False) -> dict[str, Any]:
    answer = {"assumedRoleUser": {"assumedRoleId": f"AROADEPLOYEXAMPLE:{name}", "arn": session("Deploy", name)["arn"]}}
    return call(
        MALLORY,
        "AssumeRole",
        eventSource="sts.amazonaws.com",
        requestParameters={
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/Deploy",
            "roleSessionName": name,
            "sourceIdentity": name,
        },
        responseElements=None if refused else answer,
        errorCode="AccessDenied" if refused else None,
    )


@pytest.mark.parametrize("refused", [False, True])
def test_a_session_named_after_somebody_is_not_theirs(tag: Tag, *, refused: bool) -> None:
    arn = f"user:arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/{CEO}"
    person, assumed, acted = tag(OKTA, assume(CEO, refused=refused), call(session("Deploy", CEO)))
    assert person["entity.actor"] == f"user:{CEO}"
    assert assumed["entity.actor"] == rf"user:{ACCOUNT}\mallory"
    assert assumed["entity.user"] == acted["entity.actor"] == arn


def test_a_session_named_like_a_user_is_not_the_users(tag: Tag) -> None:
    acted, real = tag(call(session("Deploy", "mallory")), call(MALLORY))
    assert real["entity.actor"] == rf"user:{ACCOUNT}\mallory"
    assert acted["entity.actor"] == f"user:arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/mallory"


def test_equal_sessions_of_two_roles_are_two(tag: Tag) -> None:
    one, other = tag(call(session("Deploy", "ci")), call(session("Backup", "ci")))
    assert one["entity.actor"] != other["entity.actor"]


def test_identity_center_names_its_sessions_after_people(tag: Tag) -> None:
    by_center = call(session(SSO_ROLE, CEO, SSO_PATH))
    signed_in = call(
        {"type": "SAMLUser", "principalId": f"abc:{CEO}", "userName": CEO},
        "AssumeRoleWithSAML",
        eventSource="sts.amazonaws.com",
        requestParameters={"roleArn": f"arn:aws:iam::{ACCOUNT}:role/{SSO_PATH}{SSO_ROLE}", "roleSessionName": CEO},
        responseElements={"assumedRoleUser": {"arn": by_center["userIdentity"]["arn"]}},
    )
    person, opened, acted = tag(OKTA, signed_in, by_center)
    assert person["entity.actor"] == opened["entity.actor"] == opened["entity.user"] == acted["entity.actor"]
    assert acted["entity.actor"] == f"user:{CEO}"


@pytest.mark.parametrize("path", ["", f"x:role/{SSO_PATH}"])
def test_a_role_that_only_looks_like_one_of_identity_center(tag: Tag, path: str) -> None:
    _, acted = tag(OKTA, call(session(SSO_ROLE, CEO, path)))
    assert acted["entity.actor"] == f"user:arn:aws:sts::{ACCOUNT}:assumed-role/{SSO_ROLE}/{CEO}"


def test_a_source_identity_says_who_acts_and_others_with_that_session_name_are_not_them(tag: Tag) -> None:
    vouched = session("Deploy", "ci", sourceIdentity=CEO)
    person, acted, other = tag(OKTA, call(vouched), call(session("Deploy", "ci")))
    assert person["entity.actor"] == acted["entity.actor"] == f"user:{CEO}"
    assert other["entity.actor"] == f"user:arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/ci"


def test_a_federated_user_has_the_name_that_the_caller_gave(tag: Tag) -> None:
    arn = f"arn:aws:sts::{ACCOUNT}:federated-user/{CEO}"
    federated = {"type": "FederatedUser", "principalId": f"{ACCOUNT}:{CEO}", "arn": arn, "accountId": ACCOUNT}
    _, acted = tag(OKTA, call(federated))
    assert acted["entity.actor"] == f"user:{arn}"


def test_a_user_with_the_name_of_a_role_or_of_the_root_user_is_another(tag: Tag) -> None:
    root = {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}
    named = [
        {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}", "accountId": ACCOUNT, "userName": name}
        for name in ("root", "Deploy")
    ]
    attached = call(MALLORY, "AttachRolePolicy", requestParameters={"roleName": "Deploy", "policyArn": "arn:x"})
    by_root, by_namesake, by_deploy, to_deploy = tag(call(root), *map(call, named), attached)
    assert by_root["entity.actor"] == f"user:arn:aws:iam::{ACCOUNT}:root"
    assert by_namesake["entity.actor"] == rf"user:{ACCOUNT}\root"
    assert by_deploy["entity.actor"] == rf"user:{ACCOUNT}\deploy"
    assert to_deploy["entity.user"] == f"user:arn:aws:iam::{ACCOUNT}:role/Deploy"


def test_a_cluster_does_not_take_a_session_name_for_a_person(tag: Tag) -> None:
    def request(role: str) -> dict[str, Any]:
        extra = {"arn": [f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{CEO}"], "sessionName": [CEO]}
        return {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Event",
            "auditID": role,
            "stage": "ResponseComplete",
            "requestURI": "/api/v1/secrets",
            "verb": "list",
            "requestReceivedTimestamp": "2026-03-17T09:00:00Z",
            "user": {"username": CEO, "extra": extra},
            "objectRef": {"resource": "secrets"},
            "responseStatus": {"code": 200},
        }

    chosen, vouched = tag(request("Deploy"), request(SSO_ROLE))
    assert chosen["entity.actor"] == f"user:arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/{CEO}"
    assert vouched["entity.actor"] == f"user:{CEO}"
