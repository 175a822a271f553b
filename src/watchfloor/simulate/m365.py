"""Microsoft 365 unified audit log records: the ``AuditData`` that the management API and the portal give.

Shape: https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema
"""

import hashlib
import uuid

from watchfloor.simulate.company import Person
from watchfloor.simulate.places import Place
from watchfloor.simulate.record import Json, Record, Scene, Stream, moment

EXCHANGE_APP = "00000002-0000-0ff1-ce00-000000000000"
OUTLOOK_DESKTOP = "Client=MSExchangeRPC"
OUTLOOK_WEB = "Client=OWA;Action=ViaProxy"
REST = "Client=REST;Client=RESTSystem;;"
BLOCK_PAGE_OVERRIDE = 4
"""``URLClickAction``: Safe Links showed its warning and the user went on."""


_KINDS = {
    "New-InboxRule": (1, "Exchange"),
    "Send": (2, "Exchange"),
    "Add service principal.": (8, "AzureActiveDirectory"),
    "Add delegated permission grant.": (8, "AzureActiveDirectory"),
    "Add OAuth2PermissionGrant.": (8, "AzureActiveDirectory"),
    "Consent to application.": (8, "AzureActiveDirectory"),
    "UserLoggedIn": (15, "AzureActiveDirectory"),
    "TIUrlClickData": (41, "ThreatIntelligence"),
    "MailItemsAccessed": (50, "Exchange"),
}
"""Operation: its record type and its workload; file operations are (6, SharePoint)."""


def mail_read(
    scene: Scene, time: int, who: Person, place: Place, folders: dict[str, int], *, client: str, app_id: str = ""
) -> Record:
    """``MailItemsAccessed`` (Bind): how many items of which folders were read, by which client."""
    body = _mailbox(scene, time, "MailItemsAccessed", who, place) | {
        "ClientInfoString": client,
        "OperationProperties": pairs(MailAccessType="Bind", IsThrottled="False"),
        "Folders": [
            {
                "FolderItems": [{"InternetMessageId": _message_id(scene)} for _ in range(items)],
                "Id": "Lg" + scene.token(60),
                "Path": "\\" + folder,
            }
            for folder, items in folders.items()
        ],
        "OperationCount": sum(folders.values()),
    }
    if app_id:
        body |= {"AppId": app_id, "ClientAppId": app_id}
    return Record(time, Stream.EXCHANGE, body)


def send(scene: Scene, time: int, who: Person, place: Place, subject: str, *, client: str = OUTLOOK_DESKTOP) -> Record:
    """``Send``: a mail was sent from the mailbox."""
    item = {
        "Id": "Unknown",
        "InternetMessageId": _message_id(scene),
        "Subject": subject,
        "SizeInBytes": scene.rng.randrange(4_000, 90_000),
    }
    body = _mailbox(scene, time, "Send", who, place) | {"ClientInfoString": client, "Item": item}
    return Record(time, Stream.EXCHANGE, body)


def inbox_rule(scene: Scene, time: int, who: Person, place: Place, rule: dict[str, str]) -> Record:
    """``New-InboxRule``: the cmdlet with its parameters."""
    body = common(scene, time, "New-InboxRule", who) | {
        "ResultStatus": "True",
        "UserType": 2,
        "ClientIP": f"{place.address}:{scene.rng.randrange(49152, 65535)}",
        "ObjectId": f"{who.mailbox}\\{rule['Name']}",
        "AppId": EXCHANGE_APP,
        "ClientAppId": "",
        "ExternalAccess": False,
        "OrganizationName": scene.company.domain,
        "OriginatingServer": _mail_server(who) + " (15.20.8534.026)",
        "Parameters": pairs(AlwaysDeleteOutlookRulesBlob="False", Force="False", **rule),
        "SessionId": scene.uuid(),
    }
    return Record(time, Stream.EXCHANGE, body)


def file(
    scene: Scene, time: int, who: Person, place: Place, operation: str, *, path: str, agent: str, managed: bool = True
) -> Record:
    """A SharePoint or OneDrive file operation (``FileAccessed``, ``FileDownloaded``…) on ``site/library/name``."""
    site, _, inside = path.partition("/")
    folder, _, name = inside.rpartition("/")
    root = f"https://northwind.sharepoint.example/sites/{site}/"
    body = common(scene, time, operation, who) | {
        "UserKey": f"i:0h.f|membership|{who.puid.lower()}@live.com",
        "ClientIP": place.address,
        "ObjectId": root + inside,
        "AuthenticationType": "OAuth",
        "CorrelationId": scene.uuid(),
        "EventSource": "SharePoint",
        "IsManagedDevice": managed,
        "ItemType": "File",
        "ListId": stable(site, folder),
        "ListItemUniqueId": stable(site, inside),
        "Site": stable(site),
        "UserAgent": agent,
        "WebId": stable(site, "web"),
        "HighPriorityMediaProcessing": False,
        "SourceFileExtension": name.rpartition(".")[2],
        "SiteUrl": root,
        "SourceFileName": name,
        "SourceRelativeUrl": folder,
    }
    return Record(time, Stream.SHAREPOINT, body)


def link_clicked(scene: Scene, time: int, who: Person, place: Place, url: str) -> Record:
    """``TIUrlClickData``: Safe Links warned of a link in a mail, and the user opened it all the same."""
    body = common(scene, time, "TIUrlClickData", who) | {
        "UserKey": who.mail,
        "UserType": 4,
        "AppName": "Mail",
        "AppVersion": "0.0.0000",
        "EventDeepLink": "https://security.microsoft.com/url?tid=" + scene.company.tenant_id,
        "SourceId": scene.uuid(),
        "TimeOfClick": moment(time, "%Y-%m-%dT%H:%M:%S"),
        "Url": url,
        "URLClickAction": BLOCK_PAGE_OVERRIDE,
        "UserIp": place.address,
    }
    return Record(time, Stream.GENERAL, body)


def common(scene: Scene, time: int, operation: str, who: Person) -> Json:
    """The fields that every audit record has."""
    record_type, workload = _KINDS.get(operation, (6, "SharePoint"))
    return {
        "CreationTime": moment(time, "%Y-%m-%dT%H:%M:%S"),
        "Id": scene.uuid(),
        "Operation": operation,
        "OrganizationId": scene.company.tenant_id,
        "RecordType": record_type,
        "UserKey": who.puid,
        "UserType": 0,
        "Version": 1,
        "Workload": workload,
        "UserId": who.mail,
    }


def _mailbox(scene: Scene, time: int, operation: str, who: Person, place: Place) -> Json:
    return common(scene, time, operation, who) | {
        "ResultStatus": "Succeeded",
        "ClientIP": place.address,
        "ClientIPAddress": place.address,
        "ExternalAccess": False,
        "InternalLogonType": 0,
        "LogonType": 0,
        "LogonUserSid": who.cloud_sid,
        "MailboxGuid": who.mailbox,
        "MailboxOwnerSid": who.cloud_sid,
        "MailboxOwnerUPN": who.mail,
        "OrganizationName": scene.company.domain,
        "OriginatingServer": _mail_server(who) + " (15.20.8534.026)\r\n",
        "SessionId": scene.uuid(),
    }


def pairs(**values: str) -> list[Json]:
    """The name and value pairs that audit records are fond of."""
    return [{"Name": name, "Value": value} for name, value in values.items()]


def _message_id(scene: Scene) -> str:
    return f"<{scene.token(24)}@mail.{scene.company.domain}>"


def _mail_server(who: Person) -> str:
    return "FR0P281MB" + str(1000 + int(stable(who.mailbox)[:4], 16) % 9000)


def stable(*parts: str) -> str:
    """The id of a thing that keeps it for good: the same parts give the same id."""
    return str(uuid.UUID(hashlib.sha256("/".join(parts).encode()).hexdigest()[:32], version=4))
