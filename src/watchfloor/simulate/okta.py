"""Okta System Log records, as ``GET /api/v1/logs`` returns them.

Shape: https://developer.okta.com/docs/reference/api/system-log/ (LogEvent) and the event type catalogue beside it.
"""

import hashlib
from typing import NamedTuple

from watchfloor.simulate.company import Person
from watchfloor.simulate.places import Agent, City, Place
from watchfloor.simulate.record import Json, Record, Scene, Stream, moment

OFFICE_365 = "Microsoft Office 365"
AWS = "AWS IAM Identity Center"
VPN = "GlobalProtect VPN"

_TYPES: dict[str, tuple[str, str | None]] = {
    "access.request.create": ("Create access request", None),
    "access.request.resolve": ("Resolve access request", None),
    "device.user.add": ("Add device to user", None),
    "group.user_membership.add": ("Add user to group membership", "core.user_group_member.user_add"),
    "policy.evaluate_sign_on": ("Evaluation of sign-on policy", None),
    "system.push.send_factor_verify_push": ("Send Okta Verify push verify message", None),
    "user.account.privilege.grant": ("Grant user privilege", "core.user.admin_privilege.granted"),
    "user.authentication.auth_via_mfa": ("Authentication of user via MFA", "core.user.factor.attempt_success"),
    "user.authentication.sso": ("User single sign on to app", "app.auth.sso"),
    "user.mfa.factor.activate": ("Activate factor or authenticator enrollment for user", "core.user.factor.activate"),
    "user.mfa.okta_verify.deny_push": ("User rejected Okta push verify", None),
    "user.session.access_admin_app": ("User accessing Okta admin app", "app.admin.sso.login.success"),
    "user.session.end": ("User logout from Okta", "core.user_auth.logout_success"),
    "user.session.start": ("User login to Okta", "core.user_auth.login_success"),
}
"""Event type: its display message and its legacy event type."""

_BEHAVIORS = ("New Geo-Location", "New Device", "New IP", "New State", "New Country", "Velocity", "New City")


class Visit(NamedTuple):
    """One browser session of a person: who, from where, with what. ``strange``: Okta has not seen it before."""

    person: Person
    place: Place
    agent: Agent
    session: str
    strange: bool = False


def visit(scene: Scene, person: Person, place: Place, agent: Agent | None = None, *, strange: bool = False) -> Visit:
    """A new session of ``person`` at ``place``, with their own device's browser unless another is given."""
    return Visit(person, place, agent or person.device.agent, "102" + scene.token(22), strange)


def login(scene: Scene, time: int, who: Visit, *, reason: str | None = None) -> Record:
    """``user.session.start``: a login, failed for ``reason`` (``INVALID_CREDENTIALS``) or successful."""
    targets = () if reason else (_target("AuthenticatorEnrollment", _id("lae", who.person), "Password"),)
    return _event(
        scene, time, "user.session.start", who, _risk(who, "/api/v1/authn"), targets=targets, outcome=_failed(reason)
    )


def logout(scene: Scene, time: int, who: Visit) -> Record:
    """``user.session.end``."""
    return _event(scene, time, "user.session.end", who, _request("/login/signout"))


def policy(scene: Scene, time: int, who: Visit, decision: str, rule: str = "Workforce with MFA") -> Record:
    """``policy.evaluate_sign_on``: the sign-on policy's ``decision`` (ALLOW, CHALLENGE, DENY)."""
    targets = (
        _target("PolicyEntity", _id("00p", "policy"), "Default Policy", detail={"policyType": "OktaSignOn"}),
        _target("PolicyRule", _id("0pr", rule), rule, _id("00p", "policy")),
    )
    outcome = {"result": decision, "reason": f"Sign-on policy evaluation resulted in {decision}"}
    return _event(
        scene, time, "policy.evaluate_sign_on", who, _risk(who, "/api/v1/authn"), targets=targets, outcome=outcome
    )


def push(scene: Scene, time: int, who: Visit) -> Record:
    """``system.push.send_factor_verify_push``: Okta Verify asks on the person's phone."""
    debug = _request(_verify_uri(who.person)) | {"factor": "OKTA_VERIFY_PUSH"}
    return _event(scene, time, "system.push.send_factor_verify_push", who, debug, targets=(_person(who.person),))


def deny(scene: Scene, time: int, who: Visit) -> Record:
    """``user.mfa.okta_verify.deny_push``: the person says no on the phone."""
    debug = _request(_verify_uri(who.person)) | {"factor": "OKTA_VERIFY_PUSH"}
    targets = (_person(who.person),)
    return _event(
        scene,
        time,
        "user.mfa.okta_verify.deny_push",
        who,
        debug,
        targets=targets,
        outcome=_failed("INVALID_CREDENTIALS"),
    )


def mfa(scene: Scene, time: int, who: Visit) -> Record:
    """``user.authentication.auth_via_mfa``: the push was approved."""
    debug = _risk(who, _verify_uri(who.person)) | {"factor": "OKTA_VERIFY_PUSH"}
    targets = (_person(who.person), _enrollment(who.person, "Okta Verify"))
    return _event(scene, time, "user.authentication.auth_via_mfa", who, debug, targets=targets)


def sso(scene: Scene, time: int, who: Visit, app: str) -> Record:
    """``user.authentication.sso``: the session opens an application."""
    key = "_".join(app.lower().split())
    debug = _request(f"/app/{key}/{_id('exk', app)}/sso/saml") | {
        "initiationType": "IDP_INITIATED",
        "signOnMode": "SAML 2.0",
    }
    user = _target("AppUser", _id("0ua", who.person, app), who.person.name, who.person.mail)
    targets = (_target("AppInstance", _id("0oa", app), app, app, {"signOnModeType": "SAML_2_0"}), user)
    return _event(scene, time, "user.authentication.sso", who, debug, targets=targets)


def enroll(scene: Scene, time: int, who: Visit, factor: str = "OKTA_VERIFY_PUSH") -> Record:
    """``user.mfa.factor.activate``: the person enrols a factor."""
    outcome = {"result": "SUCCESS", "reason": f"User set up {factor} factor"}
    debug = _request("/api/v1/users/me/factors") | {"factor": factor}
    targets = (_person(who.person), _enrollment(who.person, "Okta Verify"))
    return _event(scene, time, "user.mfa.factor.activate", who, debug, targets=targets, outcome=outcome)


def add_device(scene: Scene, time: int, who: Visit, name: str, system: str) -> Record:
    """``device.user.add``: a device is registered to the person."""
    device = _target("Device", "guo" + scene.token(17), name, detail={"platform": system, "managed": "NOT_MANAGED"})
    debug = _request("/idp/authenticators")
    return _event(scene, time, "device.user.add", who, debug, targets=(device, _person(who.person)))


def admin_app(scene: Scene, time: int, who: Visit) -> Record:
    """``user.session.access_admin_app``: the admin console is opened."""
    targets = (_target("AppInstance", _id("0oa", "admin"), "Okta Admin Console", "Okta Admin Console"),)
    return _event(scene, time, "user.session.access_admin_app", who, _risk(who, "/admin/sso/callback"), targets=targets)


def request_access(scene: Scene, time: int, who: Visit, words: str) -> Record:
    """``access.request.create``: the person asks for access; ``words`` carry the ticket."""
    targets = (_target("REQUEST", _id("req", words), words), _person(who.person))
    return _event(scene, time, "access.request.create", who, _request("/governance/requests"), targets=targets)


def approve_access(scene: Scene, time: int, who: Visit, words: str, asker: Person) -> Record:
    """``access.request.resolve``: the request of ``asker`` is approved."""
    targets = (_target("REQUEST", _id("req", words), words), _person(asker))
    outcome = {"result": "SUCCESS", "reason": "APPROVED"}
    return _event(
        scene, time, "access.request.resolve", who, _request("/governance/requests"), targets=targets, outcome=outcome
    )


def grant(scene: Scene, time: int, who: Visit, to: Person, role: str) -> Record:
    """``user.account.privilege.grant``: ``who`` makes ``to`` an administrator."""
    debug = _request(f"/api/v1/users/{to.okta_id}/roles") | {"privilegeGranted": role}
    targets = (_person(to), _target("ROLE", _id("irb", role), role))
    return _event(scene, time, "user.account.privilege.grant", who, debug, targets=targets)


def join_group(scene: Scene, time: int, who: Visit, member: Person, group: str) -> Record:
    """``group.user_membership.add``: ``who`` puts ``member`` into a group."""
    targets = (_person(member), _target("UserGroup", _id("00g", group), group))
    debug = _request(f"/api/v1/groups/{_id('00g', group)}/users")
    return _event(scene, time, "group.user_membership.add", who, debug, targets=targets)


def _event(
    scene: Scene,
    time: int,
    event_type: str,
    who: Visit,
    debug: Json,
    *,
    targets: tuple[Json, ...] = (),
    outcome: Json | None = None,
) -> Record:
    message, legacy = _TYPES[event_type]
    outcome = outcome or {"result": "SUCCESS", "reason": None}
    failed = outcome["result"] in {"FAILURE", "DENY"}
    transaction = scene.token(27)
    body: Json = {
        "actor": _person(who.person),
        "client": _client(who),
        "device": None,
        "authenticationContext": {
            "authenticationProvider": None,
            "credentialProvider": None,
            "credentialType": None,
            "issuer": None,
            "interface": None,
            "authenticationStep": 0,
            "rootSessionId": who.session,
            "externalSessionId": who.session,
        },
        "displayMessage": message,
        "eventType": event_type,
        "outcome": outcome,
        "published": moment(time, "%Y-%m-%dT%H:%M:%S.") + f"{time % 1000:03d}Z",
        "securityContext": {
            "asNumber": who.place.asn,
            "asOrg": who.place.as_org,
            "isp": who.place.as_org,
            "domain": who.place.domain,
            "isProxy": who.place.proxy,
        },
        "severity": "WARN" if failed else "INFO",
        "debugContext": {"debugData": {"requestId": transaction, "dtHash": _digest(who.agent.raw, 64), **debug}},
        "legacyEventType": legacy.replace("success", "failed") if legacy and failed else legacy,
        "transaction": {"type": "WEB", "id": transaction, "detail": {}},
        "uuid": scene.uuid(),
        "version": "0",
        "request": {
            "ipChain": [
                {
                    "ip": who.place.address,
                    "geographicalContext": _geography(who.place.city),
                    "version": "V4",
                    "source": None,
                }
            ]
        },
        "target": list(targets) or None,
    }
    return Record(time, Stream.OKTA, body)


def _client(who: Visit) -> Json:
    return {
        "userAgent": {"rawUserAgent": who.agent.raw, "os": who.agent.os, "browser": who.agent.browser},
        "zone": "null",
        "device": who.agent.device,
        "id": None,
        "ipAddress": who.place.address,
        "geographicalContext": _geography(who.place.city),
    }


def _geography(city: City) -> Json:
    return {
        "city": city.name,
        "state": city.state,
        "country": city.country,
        "postalCode": city.postal,
        "geolocation": {"lat": city.lat, "lon": city.lon},
    }


def _request(uri: str) -> Json:
    return {"requestUri": uri, "url": uri + "?"}


def _risk(who: Visit, uri: str) -> Json:
    verdict = "POSITIVE" if who.strange else "NEGATIVE"
    return _request(uri) | {
        "behaviors": "{" + ", ".join(f"{name}={verdict}" for name in _BEHAVIORS) + "}",
        "risk": "{reasons=Anomalous Geo-Location, Anomalous Device, level=HIGH}" if who.strange else "{level=LOW}",
        "threatSuspected": "false",
        "deviceFingerprint": _digest(who.session[:3] + who.agent.raw + who.place.address, 32),
    }


def _verify_uri(person: Person) -> str:
    return f"/api/v1/authn/factors/{_id('opf', person)}/verify"


def _failed(reason: str | None) -> Json | None:
    return {"result": "FAILURE", "reason": reason} if reason else None


def _person(person: Person) -> Json:
    return _target("User", person.okta_id, person.name, person.mail)


def _enrollment(person: Person, name: str) -> Json:
    return _target("AuthenticatorEnrollment", _id("opf", person), name)


def _target(kind: str, ident: str, name: str, alternate: str = "unknown", detail: Json | None = None) -> Json:
    return {"id": ident, "type": kind, "alternateId": alternate, "displayName": name, "detailEntry": detail}


def _id(prefix: str, *parts: Person | str) -> str:
    """The id of a thing that keeps it for good: the same parts give the same id."""
    names = (part if isinstance(part, str) else part.okta_id for part in parts)
    return prefix + _digest("/".join(names), 17)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
