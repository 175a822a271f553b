"""Entra ID records of the Microsoft 365 unified audit log: sign-ins, and what people allow applications to do.

Shape: the Azure Active Directory schemas of the management activity API, see :mod:`watchfloor.simulate.m365`.
"""

from typing import NamedTuple

from watchfloor.simulate.company import Person
from watchfloor.simulate.m365 import EXCHANGE_APP, common, pairs, stable
from watchfloor.simulate.places import Agent, Place
from watchfloor.simulate.record import Json, Record, Scene, Stream

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
OFFICE_HOME = "4765445b-32c6-49b0-83e6-1d93765276ca"


class App(NamedTuple):
    """An OAuth application as Entra ID knows it: its name, its application id, its service principal."""

    name: str
    app_id: str
    principal_id: str


def app(scene: Scene, name: str) -> App:
    """An application with ids of its own."""
    return App(name, scene.uuid(), scene.uuid())


def signed_in(scene: Scene, time: int, who: Person, place: Place, agent: Agent, *, managed: bool = True) -> Record:
    """``UserLoggedIn``, through the federation with Okta; ``managed``: from a compliant company device."""
    session = scene.uuid()
    body = _entra(scene, time, "UserLoggedIn", who, place)
    body |= {
        "ObjectId": EXCHANGE_APP,
        "UserKey": who.entra_id,
        "ExtendedProperties": pairs(ResultStatusDetail="Redirect", UserAgent=agent.raw, RequestType="OAuth2:Authorize"),
        "Actor": [{"ID": who.entra_id, "Type": 0}, {"ID": who.mail, "Type": 5}],
        "Target": [{"ID": EXCHANGE_APP, "Type": 0}],
        "ApplicationId": OFFICE_HOME,
        "DeviceProperties": [
            *(pairs(DisplayName=who.device.host, IsCompliantAndManaged="True") if managed else ()),
            *pairs(OS=agent.os.replace(" ", ""), BrowserType=agent.browser.title(), SessionId=session),
        ],
        "ErrorNumber": "0",
    }
    return Record(time, Stream.ENTRA, body)


def add_principal(scene: Scene, time: int, who: Person, place: Place, client: App) -> Record:
    """``Add service principal.``: the application becomes known in the tenant."""
    body = _entra(scene, time, "Add service principal.", who, place) | {
        "ObjectId": client.app_id,
        "ExtendedProperties": pairs(additionalDetails="{}", extendedAuditEventCategory="ServicePrincipal"),
        "ModifiedProperties": _changes(
            AccountEnabled="[\r\n  true\r\n]",
            AppPrincipalId=f'[\r\n  "{client.app_id}"\r\n]',
            DisplayName=f'[\r\n  "{client.name}"\r\n]',
            ServicePrincipalName=f'[\r\n  "{client.app_id}"\r\n]',
        ),
        "Target": _principal(client),
    }
    return Record(time, Stream.ENTRA, body)


def grant(
    scene: Scene,
    time: int,
    who: Person,
    place: Place,
    client: App,
    *,
    scope: str,
    operation: str = "Add delegated permission grant.",
    tenant: bool = False,
) -> Record:
    """``Add delegated permission grant.``: scopes for an application; older tenants: ``Add OAuth2PermissionGrant.``."""
    body = _entra(scene, time, operation, who, place) | {
        "ObjectId": GRAPH_APP,
        "ExtendedProperties": pairs(additionalDetails="{}", extendedAuditEventCategory="ServicePrincipal"),
        "ModifiedProperties": _changes(
            **{
                "DelegatedPermissionGrant.Scope": scope,
                "DelegatedPermissionGrant.ConsentType": "AllPrincipals" if tenant else "Principal",
                "ServicePrincipal.ObjectID": client.principal_id,
                "ServicePrincipal.DisplayName": client.name,
                "ServicePrincipal.AppId": client.app_id,
            }
        ),
        "Target": _principal(App("Microsoft Graph", GRAPH_APP, stable("graph", who.entra_id[:8]))),
    }
    return Record(time, Stream.ENTRA, body)


def consent(
    scene: Scene, time: int, who: Person, place: Place, client: App, *, scope: str, tenant: bool = False
) -> Record:
    """``Consent to application.``; ``tenant``: an administrator consents for everybody."""
    kind = "AllPrincipals" if tenant else "Principal"
    permission = (
        f"[] => [[Id: {scene.token(43)}, ClientId: {client.principal_id}, PrincipalId: "
        f"{'' if tenant else who.entra_id}, ResourceId: {stable('graph', 'resource')}, ConsentType: {kind}, "
        f"Scope:  {scope}, CreatedDateTime: , LastModifiedDateTime ]]; "
    )
    body = _entra(scene, time, "Consent to application.", who, place) | {
        "ObjectId": client.app_id,
        "ExtendedProperties": pairs(
            additionalDetails=f'{{"User-Agent":"EvoSTS","AppId":"{client.app_id}"}}',
            extendedAuditEventCategory="ServicePrincipal",
        ),
        "ModifiedProperties": _changes(
            **{
                "ConsentContext.IsAdminConsent": str(tenant),
                "ConsentContext.IsAppOnly": "False",
                "ConsentContext.OnBehalfOfAll": str(tenant),
                "ConsentContext.Tags": "WindowsAzureActiveDirectoryIntegratedApp",
                "ConsentAction.Permissions": permission,
                "TargetId.ServicePrincipalNames": client.app_id,
            }
        ),
        "Target": _principal(client),
    }
    return Record(time, Stream.ENTRA, body)


def _entra(scene: Scene, time: int, operation: str, who: Person, place: Place) -> Json:
    return common(scene, time, operation, who) | {
        "ResultStatus": "Success",
        "UserKey": f"{who.puid}@{scene.company.domain}",
        "ClientIP": place.address,
        "AzureActiveDirectoryEventType": 1,
        "ExtendedProperties": [],
        "ModifiedProperties": [],
        "Actor": [
            {"ID": who.mail, "Type": 5},
            {"ID": who.puid, "Type": 3},
            {"ID": f"User_{who.entra_id}", "Type": 2},
            {"ID": who.entra_id, "Type": 2},
            {"ID": "User", "Type": 2},
        ],
        "ActorContextId": scene.company.tenant_id,
        "ActorIpAddress": place.address,
        "InterSystemsId": scene.uuid(),
        "IntraSystemId": scene.uuid(),
        "SupportTicketId": "",
        "TargetContextId": scene.company.tenant_id,
    }


def _principal(client: App) -> list[Json]:
    named = (f"ServicePrincipal_{client.principal_id}", client.principal_id, "ServicePrincipal")
    return [
        *({"ID": name, "Type": 2} for name in named),
        {"ID": client.name, "Type": 1},
        {"ID": client.app_id, "Type": 2},
        {"ID": client.app_id, "Type": 4},
    ]


def _changes(**values: str) -> list[Json]:
    changes = [{"Name": name, "NewValue": value, "OldValue": "[]"} for name, value in values.items()]
    names = ", ".join(values)
    return [*changes, {"Name": "Included Updated Properties", "NewValue": names, "OldValue": ""}]
