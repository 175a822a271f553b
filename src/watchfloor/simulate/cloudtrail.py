"""AWS CloudTrail records, as a trail delivers them.

Shape: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

import hashlib
import string

import msgspec

from watchfloor.simulate.company import Company, Person
from watchfloor.simulate.places import Place
from watchfloor.simulate.record import HOUR, Json, Record, Scene, Stream, moment

GLOBAL_REGION = "us-east-1"
CONSOLE = "AWS Console, aws-internal/3"
CLI = "aws-cli/2.24.10 md/awscrt#0.23.8 ua/2.1 os/macos#24.3.0 md/arch#arm64 lang/python#3.12.9 md/prompt#off"
SDK = "Boto3/1.37.10 md/Botocore#1.37.10 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.9 Botocore/1.37.10"
TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.11.1 terraform-provider-aws/5.90.0 aws-sdk-go-v2/1.36.3"

_GLOBAL = frozenset({"iam", "sts", "signin", "organizations"})
_WRITES = (
    *("Add", "Attach", "Complete", "Console", "Create", "Delete", "Put"),
    *("Register", "Run", "Start", "Stop", "Tag", "Update", "Upload"),
)
"""How the names of calls begin that change something."""
_KEY_ALPHABET = string.ascii_uppercase + "234567"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls the API, with which key, from where: a role's session, or an IAM user (``role`` empty).

    ``path`` is the role's path, with a slash at its end.
    """

    account: str
    name: str
    key: str
    address: str
    agent: str
    role: str = ""
    role_id: str = ""
    path: str = ""
    started: int = 0
    mfa: bool = False

    @property
    def arn(self) -> str:
        """The caller's ARN."""
        if self.role:
            return f"arn:aws:sts::{self.account}:assumed-role/{self.role}/{self.name}"
        return f"arn:aws:iam::{self.account}:user/{self.name}"

    @property
    def role_arn(self) -> str:
        """The ARN of the session's role."""
        return f"arn:aws:iam::{self.account}:role/{self.path}{self.role}"

    def identity(self) -> Json:
        """The record's ``userIdentity``."""
        identity: Json = {
            "type": "AssumedRole" if self.role else "IAMUser",
            "principalId": f"{self.role_id}:{self.name}" if self.role else self.role_id,
            "arn": self.arn,
            "accountId": self.account,
            "accessKeyId": self.key,
        }
        if not self.role:
            return identity | {"userName": self.name}
        issuer = {
            "type": "Role",
            "principalId": self.role_id,
            "arn": self.role_arn,
            "accountId": self.account,
            "userName": self.role,
        }
        created = moment(self.started, "%Y-%m-%dT%H:%M:%SZ")
        attributes = {"creationDate": created, "mfaAuthenticated": str(self.mfa).lower()}
        return identity | {
            "sessionContext": {"sessionIssuer": issuer, "webIdFederationData": {}, "attributes": attributes}
        }


def person_session(scene: Scene, started: int, who: Person, place: Place, *, permissions: str, agent: str) -> Caller:
    """The session that IAM Identity Center gives to a person for a permission set; its name is their login.

    Names of the roles: https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
    """
    role = f"AWSReservedSSO_{permissions}_{hashlib.blake2b(permissions.encode(), digest_size=8).hexdigest()}"
    return Caller(
        account=scene.company.aws_account,
        name=who.mail,
        key=_key(scene, "ASIA"),
        address=place.address,
        agent=agent,
        role=role,
        role_id=_role_id(permissions),
        path=f"aws-reserved/sso.amazonaws.com/{scene.company.home_region}/",
        started=started,
    )


def role_session(scene: Scene, started: int, role: str, name: str, *, address: str, agent: str = SDK) -> Caller:
    """The session of a workload."""
    return Caller(
        account=scene.company.aws_account,
        name=name,
        key=_key(scene, "ASIA"),
        address=address,
        agent=agent,
        role=role,
        role_id=_role_id(role),
        started=started,
    )


def iam_user(company: Company, name: str, key: str, address: str, agent: str = SDK) -> Caller:
    """An IAM user with a long-lived key."""
    return Caller(
        account=company.aws_account, name=name, key=key, address=address, agent=agent, role_id=_pad("AIDA", name)
    )


def assume_with_saml(scene: Scene, time: int, caller: Caller) -> Record:
    """``AssumeRoleWithSAML``: IAM Identity Center opens the session of ``caller``."""
    provider = _saml_provider(caller)
    subject = "bm9ydGh3aW5kLXNzbw=="
    request = {
        "sAMLAssertionID": "_" + scene.uuid(),
        "roleSessionName": caller.name,
        "durationSeconds": 3600,
        "roleArn": caller.role_arn,
        "principalArn": provider,
    }
    response = {
        "subjectType": "persistent",
        "issuer": f"https://portal.sso.{scene.company.home_region}.amazonaws.com/saml/assertion/EXAMPLE",
        "credentials": {
            "accessKeyId": caller.key,
            "expiration": worded(time + HOUR),
            "sessionToken": "IQoJb3JpZ2luX2VjEXAMPLE",
        },
        "nameQualifier": subject,
        "assumedRoleUser": {"assumedRoleId": f"{caller.role_id}:{caller.name}", "arn": caller.arn},
        "subject": caller.name,
        "audience": "https://signin.aws.amazon.com/saml",
    }
    record = call(scene, time, caller, "sts:AssumeRoleWithSAML", request, response=response)
    record.body["userIdentity"] = {
        "type": "SAMLUser",
        "principalId": f"{subject}:{caller.name}",
        "userName": caller.name,
        "identityProvider": subject,
    }
    return record


def console_login(scene: Scene, time: int, caller: Caller, agent: str) -> Record:
    """``ConsoleLogin`` of a session that single sign-on opened; MFA is the identity provider's affair."""
    record = call(scene, time, caller, "signin:ConsoleLogin", response={"ConsoleLogin": "Success"})
    record.body.update(
        {
            "userAgent": agent,
            "eventType": "AwsConsoleSignIn",
            "additionalEventData": {
                "LoginTo": "https://console.aws.amazon.com/console/home",
                "MobileVersion": "No",
                "MFAUsed": "No",
                "SamlProviderArn": _saml_provider(caller),
            },
        }
    )
    return record


def call(
    scene: Scene,
    time: int,
    caller: Caller,
    action: str,
    request: Json | None = None,
    *,
    response: Json | None = None,
    denied: bool = False,
) -> Record:
    """One management call; ``action`` is ``service:Name`` as IAM policies write it."""
    service, _, name = action.partition(":")
    region = GLOBAL_REGION if service in _GLOBAL else scene.company.home_region
    host = f"{service}.amazonaws.com" if service == "iam" else f"{service}.{region}.amazonaws.com"
    body: Json = {
        "eventVersion": "1.11",
        "userIdentity": caller.identity(),
        "eventTime": moment(time, "%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": caller.address,
        "userAgent": caller.agent,
    }
    if denied:
        reason = "because no identity-based policy allows the action"
        body["errorCode"] = "AccessDenied"
        body["errorMessage"] = f"User: {caller.arn} is not authorized to perform: {action} {reason}"
        response = None
    body |= {
        "requestParameters": request,
        "responseElements": response,
        "requestID": scene.uuid(),
        "eventID": scene.uuid(),
        "readOnly": not name.startswith(_WRITES),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": caller.account,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": host,
        },
    }
    return Record(time, Stream.CLOUDTRAIL, body)


def s3_object(scene: Scene, time: int, caller: Caller, name: str, *, bucket: str, key: str, size: int) -> Record:
    """A data event on one object: ``GetObject``, ``PutObject`` or ``DeleteObject``, with its size in bytes."""
    host = f"{bucket}.s3.{scene.company.home_region}.amazonaws.com"
    record = call(scene, time, caller, f"s3:{name}", {"bucketName": bucket, "Host": host, "key": key})
    record.body["tlsDetails"]["clientProvidedHostHeader"] = host
    record.body.update(
        {
            "additionalEventData": {
                "SignatureVersion": "SigV4",
                "CipherSuite": "TLS_AES_128_GCM_SHA256",
                "AuthenticationMethod": "AuthHeader",
                "bytesTransferredIn": size if name == "PutObject" else 0,
                "bytesTransferredOut": size if name == "GetObject" else 0,
                "x-amz-id-2": scene.token(75) + "=",
            },
            "resources": [
                {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
                {"accountId": caller.account, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
            ],
            "managementEvent": False,
            "eventCategory": "Data",
        }
    )
    return record


def worded(time: int) -> str:
    """A time as IAM and STS word it in their answers.

    >>> worded(1_773_756_450_250)
    'Mar 17, 2026, 2:07:30 PM'
    """
    return moment(time, "%b %d, %Y, %I:%M:%S %p").replace(" 0", " ")


def key_of(scene: Scene) -> str:
    """A long-lived access key id that says it is an example."""
    return _key(scene, "AKIA")


def _key(scene: Scene, prefix: str) -> str:
    return prefix + scene.token(9, _KEY_ALPHABET) + "EXAMPLE"


def _saml_provider(caller: Caller) -> str:
    return f"arn:aws:iam::{caller.account}:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE"


def _role_id(role: str) -> str:
    return _pad("AROA", role)


def _pad(prefix: str, name: str) -> str:
    letters = "".join(letter for letter in name.upper() if letter in _KEY_ALPHABET)
    return (prefix + letters).ljust(14, "X")[:14] + "EXAMPLE"
