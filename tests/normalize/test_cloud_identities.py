"""Who acts in cloud logs: the ids by which one person is found again across records and products."""

from typing import Any

import orjson
import pytest

from watchfloor.normalize import Source, load_sources
from watchfloor.testing.sources import normalize

SOURCES = {source.name: source for source in load_sources()[0]}
ACCOUNT = "111122223333"


def row(source: Source, record: dict[str, Any]) -> dict[str, Any]:
    result = normalize(source, [orjson.dumps(record)])
    assert not [letter.reason for letter in result.dead_letters]
    flat: dict[str, Any] = result.events.to_pylist()[0]
    flat.update(orjson.loads(flat["rest"] or b"{}"))
    return flat


def aws(name: str, identity: dict[str, Any], **fields: Any) -> dict[str, Any]:
    record = {
        "eventVersion": "1.11",
        "eventID": "1",
        "eventTime": "2026-03-17T08:00:00Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "sourceIPAddress": "198.51.100.23",
        "recipientAccountId": ACCOUNT,
        "userIdentity": identity,
        **fields,
    }
    return row(SOURCES["aws_cloudtrail"], record)


ALICE = {
    "type": "IAMUser",
    "principalId": "AIDACKCEVSQ6C2EXAMPLE",
    "arn": f"arn:aws:iam::{ACCOUNT}:user/alice",
    "accountId": ACCOUNT,
    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "userName": "alice",
}
SESSION = {
    "type": "AssumedRole",
    "principalId": "AROADBQP57FF2AEXAMPLE:bo.li@example.com",
    "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/bo.li@example.com",
    "accountId": ACCOUNT,
    "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
    "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/Deploy"}},
}
SSO_ROLE = "AWSReservedSSO_Admin_0123456789abcdef"
SSO_SESSION = {
    **SESSION,
    "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{SSO_ROLE}/bo.li@example.com",
    "sessionContext": {
        "sessionIssuer": {
            "type": "Role",
            "arn": f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/eu-central-1/{SSO_ROLE}",
        }
    },
}


class TestAws:
    def test_an_assumed_role_is_found_again_in_its_calls(self) -> None:
        assumed = aws(
            "AssumeRole",
            ALICE,
            eventSource="sts.amazonaws.com",
            requestParameters={
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/Deploy",
                "roleSessionName": "bo.li@example.com",
            },
            responseElements={
                "credentials": {"accessKeyId": "ASIAIOSFODNN7EXAMPLE"},
                "assumedRoleUser": {"assumedRoleId": SESSION["principalId"], "arn": SESSION["arn"]},
            },
        )
        call = aws("ListUsers", SESSION)
        assert assumed["actor.user.uid"] == "AIDACKCEVSQ6C2EXAMPLE"
        for assumed_as, called_as in (
            ("user.uid", "actor.user.uid"),
            ("user.uid_alt", "actor.user.uid_alt"),
            ("user.name", "actor.user.name"),
            ("user.email_addr", "actor.user.email_addr"),
            ("session.uid", "actor.session.uid"),
            ("session.issuer", "actor.session.issuer"),
        ):
            assert assumed[assumed_as] == call[called_as], assumed_as
        assert assumed["entity.resource"] == f"resource:role:{ACCOUNT}/Deploy"

    def test_a_created_key_is_found_again_in_its_calls(self) -> None:
        made = {"accessKey": {"userName": "alice", "accessKeyId": ALICE["accessKeyId"]}}
        created = aws("CreateAccessKey", SESSION, requestParameters={"userName": "alice"}, responseElements=made)
        call = aws("ListUsers", ALICE)
        assert created["user.credential_uid"] == call["actor.user.credential_uid"]
        assert (created["user.name"], created["user.domain"]) == (call["actor.user.name"], call["actor.user.domain"])

    def test_a_request_without_a_user_name_is_about_the_caller(self) -> None:
        own = aws("DeleteAccessKey", ALICE, requestParameters={"accessKeyId": "AKIAEXAMPLE"})
        assert own["user.uid"] == own["actor.user.uid"]

    def test_a_denied_request_names_its_target_in_the_error(self) -> None:
        words = f"User: {ALICE['arn']} is not authorized to perform: iam:CreateUser on resource: user mallory because"
        denied = aws("CreateUser", ALICE, errorCode="AccessDenied", errorMessage=words, requestParameters=None)
        assert (denied["class_uid"], denied["status_id"], denied["user.name"]) == (3001, 2, "mallory")

    @pytest.mark.parametrize(
        ("identity", "kind"),
        [
            ({"type": "Root", "principalId": ACCOUNT, "accountId": ACCOUNT}, 2),
            (ALICE, 1),
            (SESSION, 1),
            (SSO_SESSION, 1),
            ({**SESSION, "principalId": "AROAEXAMPLE:i-0123456789abcdef0", "arn": "arn:x"}, 4),
            ({**SESSION, "principalId": "AROAEXAMPLE:worker", "arn": "arn:x"}, 99),
            ({"type": "AWSService", "invokedBy": "config.amazonaws.com"}, 3),
        ],
    )
    def test_the_type_of_the_caller(self, identity: dict[str, Any], kind: int) -> None:
        assert aws("ListUsers", identity)["actor.user.type_id"] == kind

    def test_a_sign_in_to_identity_center_is_not_the_root_users(self) -> None:
        unknown = {"type": "Unknown", "principalId": ACCOUNT, "accountId": ACCOUNT, "userName": "bo.li"}
        signed = aws("UserAuthentication", unknown, eventSource="signin.amazonaws.com")
        assert (signed["user.name"], signed["user.uid"], signed["actor.user.uid"]) == ("bo.li", None, None)

    def test_a_name_that_aws_hides_is_no_name(self) -> None:
        hidden = {"type": "IAMUser", "accountId": ACCOUNT, "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}
        login = {"responseElements": {"ConsoleLogin": "Failure"}, "eventSource": "signin.amazonaws.com"}
        failed = aws("ConsoleLogin", hidden, **login)
        assert (failed["class_uid"], failed["status_id"], failed["user.name"]) == (3002, 2, None)

    def test_a_service_is_no_host(self) -> None:
        call = aws("Decrypt", {"type": "AWSService", "invokedBy": "x"}, sourceIPAddress="lambda.amazonaws.com")
        assert call["src_endpoint.svc_name"] == "lambda.amazonaws.com"
        assert call["src_endpoint.hostname"] is None

    @pytest.mark.parametrize("secret", ["prod/db", f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:prod/db-AbCdEf"])
    def test_a_secret_is_one_resource_by_name_and_by_arn(self, secret: str) -> None:
        fields = {"eventSource": "secretsmanager.amazonaws.com", "requestParameters": {"secretId": secret}}
        assert aws("GetSecretValue", ALICE, **fields)["entity.resource"] == "resource:secret:prod/db"


TENANT = {"OrganizationId": "11111111-2222-4000-8000-333333333333", "CreationTime": "2026-03-17T08:00:00", "Id": "1"}
OBJECT_ID, PUID = "aaaaaaaa-0000-4000-8000-000000000001", "10032000AAAA0001"
SID = "S-1-5-21-1000000001-1000000002-1000000003-1101"


def m365(operation: str, record_type: int, workload: str, **fields: Any) -> dict[str, Any]:
    kind = {"Operation": operation, "RecordType": record_type, "Workload": workload}
    return row(
        SOURCES["m365_unified_audit"], {**TENANT, **kind, "UserId": "alice@example.com", "UserType": 0, **fields}
    )


class TestMicrosoft365:
    def test_the_events_of_one_person_share_ids_across_workloads(self) -> None:
        by_object_id = [{"ID": OBJECT_ID, "Type": 0}, {"ID": "alice@example.com", "Type": 5}]
        by_both = [{"ID": PUID, "Type": 3}, {"ID": f"User_{OBJECT_ID}", "Type": 2}, {"ID": OBJECT_ID, "Type": 2}]
        signed = m365("UserLoggedIn", 15, "AzureActiveDirectory", UserKey=OBJECT_ID, Actor=by_object_id)
        changed = m365("Add user.", 8, "AzureActiveDirectory", UserKey=f"{PUID}@example.com", Actor=by_both)
        read = m365("MailItemsAccessed", 50, "Exchange", UserKey=PUID, LogonType=0, LogonUserSid=SID)
        opened = m365("FileAccessed", 6, "SharePoint", UserKey=f"i:0h.f|membership|{PUID.lower()}@live.com")
        assert (signed["actor.user.uid"], signed["actor.user.uid_alt"]) == (OBJECT_ID, None)
        assert (changed["actor.user.uid"], changed["actor.user.uid_alt"]) == (OBJECT_ID, PUID)
        assert (read["actor.user.uid"], read["actor.user.uid_alt"]) == (PUID, SID)
        assert opened["actor.user.uid"] == PUID
        assert {one["actor.user.email_addr"] for one in (signed, changed, read, opened)} == {"alice@example.com"}

    def test_a_delegates_sid_is_not_the_owners(self) -> None:
        read = m365("MailItemsAccessed", 50, "Exchange", UserKey=PUID, LogonType=2, LogonUserSid=SID)
        assert read["actor.user.uid_alt"] is None

    @pytest.mark.parametrize(
        ("user_id", "name", "mail", "domain"),
        [
            ("alice@example.com", "alice", "alice@example.com", None),
            ("i:0#.f|membership|alice@example.com", "alice", "alice@example.com", None),
            ("urn:spo:guest#eve@example.net", "eve", "eve@example.net", None),
            ("eve_example.net#EXT#@x.example.com", "eve_example.net#EXT#", "eve_example.net#EXT#@x.example.com", None),
            (r"NT AUTHORITY\SYSTEM (w3wp)", "SYSTEM", None, "NT AUTHORITY"),
            ("app@sharepoint", "app", None, None),
            ("S-1-5-18", None, None, None),
            ("Not Available", None, None, None),
        ],
    )
    def test_the_forms_of_a_user_id(self, user_id: str, name: str | None, mail: str | None, domain: str | None) -> None:
        event = m365("PageViewed", 4, "SharePoint", UserId=user_id)
        found = (event["actor.user.name"], event["actor.user.email_addr"], event["actor.user.domain"])
        assert found == (name, mail, domain)

    @pytest.mark.parametrize(
        ("client", "ip", "port"),
        [
            ("203.0.113.9", "203.0.113.9", None),
            ("203.0.113.9:50123", "203.0.113.9", 50123),
            ("[2001:db8::9]:50123", "2001:db8::9", 50123),
            ("2001:db8::9", "2001:db8::9", None),
            ("<null>", None, None),
        ],
    )
    def test_the_forms_of_a_client_address(self, client: str, ip: str | None, port: int | None) -> None:
        event = m365("New-InboxRule", 1, "Exchange", ClientIP=client, ObjectId="x")
        assert (event["src_endpoint.ip"], event["src_endpoint.port"]) == (ip, port)

    def test_a_consented_application_is_the_one_that_reads_the_mailbox(self) -> None:
        app = "eeeeeeee-0000-4000-8000-000000000005"
        grant = "[] => [[ClientId: x, ConsentType: Principal, Scope:  offline_access Mail.Read]]; "
        consent = m365(
            "Consent to application.",
            8,
            "AzureActiveDirectory",
            ObjectId=app,
            Target=[{"ID": "ServicePrincipal_dddddddd-0000-4000-8000-000000000004", "Type": 2}],
            ModifiedProperties=[{"Name": "ConsentAction.Permissions", "NewValue": grant, "OldValue": ""}],
        )
        fields = {"AppId": app, "ClientInfoString": "Client=REST;;", "MailboxOwnerUPN": "Alice@example.com"}
        read = m365("MailItemsAccessed", 50, "Exchange", **fields)
        assert consent["privileges"] == ["offline_access", "Mail.Read"]
        assert consent["entity.app"] == read["entity.app"] == f"app:{app}"
        assert read["entity.resource"] == "resource:mailbox:alice@example.com"

    def test_an_export_is_its_audit_data(self) -> None:
        record = {
            **TENANT,
            "Operation": "New-InboxRule",
            "RecordType": 1,
            "Workload": "Exchange",
            "UserId": "a@b.example",
        }
        export = {"RecordId": "1", "RecordType": 1, "Operations": "x", "AuditData": orjson.dumps(record).decode()}
        event = row(SOURCES["m365_unified_audit"], export)
        assert event["api.operation"] == "New-InboxRule"
        assert orjson.loads(event["unmapped"])["export"] == {"RecordId": "1", "RecordType": 1, "Operations": "x"}

    @pytest.mark.parametrize("audit", ["{", "[]", "7", 7])
    def test_audit_data_that_is_none_is_a_dead_letter(self, audit: Any) -> None:
        raw = orjson.dumps({"RecordType": 1, "Operations": "x", "AuditData": audit})
        result = normalize(SOURCES["m365_unified_audit"], [raw])
        assert [letter.reason.partition(":")[0] for letter in result.dead_letters] == ["m365_unified_audit"]

    def test_named_values_are_reached_by_name(self) -> None:
        pairs = [{"Name": "ForwardTo", "Value": "x"}, {"Name": "From", "Value": 1}, {"Name": "From", "Value": 2}]
        event = m365("New-InboxRule", 1, "Exchange", ObjectId="x", Parameters=pairs)
        assert event["entity.data"] == {"ForwardTo": "x", "From": [1, 2]}
        odd = m365("New-InboxRule", 1, "Exchange", ObjectId="x", Parameters=["a", {"Name": "b"}])
        assert odd["entity.data"] == ["a", {"Name": "b"}]


def okta(event_type: str, **fields: Any) -> dict[str, Any]:
    actor = {"id": "00uexamplealice00001", "type": "User", "alternateId": "alice@example.com", "displayName": "Alice"}
    record = {"uuid": "1", "published": "2026-03-17T08:00:00.000Z", "eventType": event_type, "actor": actor, **fields}
    return row(SOURCES["okta_system_log"], record)


CARL = {"id": "00uexamplecarl000003", "type": "User", "alternateId": "carl@example.com", "displayName": "Carl"}


class TestOkta:
    def test_the_user_is_the_target_where_there_is_one(self) -> None:
        done_to = okta("user.account.reset_password", target=[CARL])
        done_by = okta("user.account.update_password", target=None)
        assert (done_to["user.uid"], done_to["user.email_addr"]) == ("00uexamplecarl000003", "carl@example.com")
        assert (done_by["user.uid"], done_by["user.email_addr"]) == ("00uexamplealice00001", "alice@example.com")

    def test_the_actors_name_never_completes_the_target(self) -> None:
        event = okta("user.account.update_profile", target=[{**CARL, "alternateId": None}])
        assert (event["user.uid"], event["user.email_addr"], event["user.name"]) == (CARL["id"], None, None)

    def test_an_application_is_named_by_its_own_label(self) -> None:
        app = {"id": "0oa1", "type": "AppInstance", "alternateId": "Wiki", "displayName": "OpenID Connect Client"}
        event = okta("user.authentication.sso", target=[app])
        assert (event["entity.app"], event["service.name"]) == ("app:Wiki", "Wiki")

    @pytest.mark.parametrize(("result", "status"), [("ALLOW", 1), ("DENY", 2), ("CHALLENGE", 99), (None, 0)])
    def test_outcomes(self, result: str | None, status: int) -> None:
        assert okta("policy.evaluate_sign_on", outcome={"result": result})["status_id"] == status

    def test_an_anonymizing_proxy_is_told_and_its_absence_is_not(self) -> None:
        proxy = okta("user.session.start", securityContext={"isProxy": True})
        plain = okta("user.session.start", securityContext={"isProxy": False})
        assert proxy["enrichments"][0]["value"] == "true"
        assert "enrichments" not in plain
