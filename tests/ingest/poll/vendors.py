"""Vendors as their documentation describes them, over :mod:`peer`: listings, pages, limits, tokens, errors."""

import base64
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.ingest.poll.peer import Asked, Said

Trouble = Said | Callable[[Asked], Said]


class Vendor:
    """What all have: troubles that are answered first, one a request, and the address that their links begin with."""

    def __init__(self) -> None:
        self.url = ""
        self.troubles: deque[Trouble] = deque()

    def __call__(self, asked: Asked) -> Said:
        if self.troubles and self.may_fail(asked):
            trouble = self.troubles.popleft()
            return trouble if isinstance(trouble, Said) else trouble(asked)
        return self.answer(asked)

    def may_fail(self, _asked: Asked) -> bool:
        return True

    def answer(self, asked: Asked) -> Said:
        raise NotImplementedError


class Okta(Vendor):
    """The System Log: requests without an end are served in the order of storing and end with a cursor."""

    def __init__(self) -> None:
        super().__init__()
        self.proof = "SSWS token-of-okta"
        self.page = 1000
        self.stored: list[dict[str, Any]] = []

    def log(self, published: datetime, **more: Any) -> str:
        uuid = f"e{len(self.stored):07d}-0000-4000-8000-000000000000"
        event = {"uuid": uuid, "published": published.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
        actor = {"id": "00u1", "type": "User", "alternateId": "bo@example.com", "displayName": "Bo"}
        kind = {"eventType": "user.session.start", "displayMessage": "User login to Okta", "severity": "INFO"}
        rest = {"legacyEventType": "core.user_auth.login_success", "client": {"ipAddress": "203.0.113.9"}}
        self.stored.append(event | kind | {"actor": actor, "outcome": {"result": "SUCCESS"}} | rest | more)
        return uuid

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != self.proof:
            return Said({"errorCode": "E0000011", "errorSummary": "Invalid token provided"}, 401)
        limit = min(int(asked.query.get("limit", "100")), self.page)
        first = int(asked.query.get("after", "0"))
        found: list[dict[str, Any]] = []
        position = first
        for position in range(first, len(self.stored) + 1):
            if len(found) == limit or position == len(self.stored):
                break
            if self._in_time(self.stored[position], asked.query):
                found.append(self.stored[position])
        more = "until" not in asked.query or position < len(self.stored)
        query = "&".join(f"{name}={value}" for name, value in {**asked.query, "after": str(position)}.items())
        links = f'<{self.url}/api/v1/logs>; rel="self"'
        return Said(
            found, headers={"Link": links + (f', <{self.url}/api/v1/logs?{query}>; rel="next"' if more else "")}
        )

    @staticmethod
    def _in_time(event: dict[str, Any], query: dict[str, str]) -> bool:
        published = event["published"][:19] + "Z"
        return query.get("since", "") <= published and not ("until" in query and published >= query["until"])


class Tokens:
    """An OAuth 2 token endpoint; a token is good for so many requests."""

    def __init__(self, good_for: int = 1_000_000) -> None:
        self.good_for = good_for
        self.given = 0
        self._left = 0

    def give(self) -> Said:
        self.given += 1
        self._left = self.good_for
        return Said({"token_type": "Bearer", "expires_in": 3599, "access_token": f"access-token-{self.given:04}"})

    def client_credentials(self, asked: Asked) -> Said:
        if asked.form.get("client_secret") != "secret-of-client" or asked.form["grant_type"] != "client_credentials":
            said = "AADSTS7000215: Invalid client secret provided."
            return Said({"error": "invalid_client", "error_description": said}, 401)
        return self.give()

    def good(self, asked: Asked) -> bool:
        if asked.headers.get("authorization") != f"Bearer access-token-{self.given:04}" or self._left <= 0:
            return False
        self._left -= 1
        return True


class Microsoft365(Vendor):
    """The Management Activity API: subscriptions, lists of content, content."""

    TENANT = "00000000-0000-4000-8000-0000000000ff"

    def __init__(self, good_for: int = 1_000_000) -> None:
        super().__init__()
        self.tokens = Tokens(good_for)
        self.page = 2
        self.started: set[str] = set()
        self.contents: dict[str, list[tuple[datetime, list[dict[str, Any]]]]] = {}
        self.allowed = {"Audit.AzureActiveDirectory", "Audit.Exchange", "Audit.SharePoint", "Audit.General"}

    def may_fail(self, _asked: Asked) -> bool:
        return "/audit/" in _asked.path

    def answer(self, asked: Asked) -> Said:
        if asked.path == f"/{self.TENANT}/oauth2/v2.0/token":
            return self.tokens.client_credentials(asked)
        if not self.tokens.good(asked):
            return Said({"Message": "Authorization has been denied for this request."}, 401)
        base = f"/api/v1.0/{self.TENANT}/activity/feed"
        return self._feed(asked, asked.path.removeprefix(base), asked.query.get("contentType", ""))

    def _feed(self, asked: Asked, what: str, kind: str) -> Said:
        if what.startswith("/audit/"):
            _, _, kind, number = what.split("/")
            return Said(self.contents[kind][int(number)][1])
        if what == "/subscriptions/list":
            return Said([{"contentType": one, "status": "enabled"} for one in sorted(self.started)])
        if kind not in self.allowed:
            return _microsoft_error(401, "AF10001", f"The permission set () did not include it for {kind}")
        return self._started(kind) if what == "/subscriptions/start" else self._listed(asked, kind)

    def _started(self, kind: str) -> Said:
        if kind in self.started:
            return _microsoft_error(400, "AF20024", "The subscription is already enabled.")
        self.started.add(kind)
        return Said({"contentType": kind, "status": "enabled"})

    def _listed(self, asked: Asked, kind: str) -> Said:
        if kind not in self.started:
            return _microsoft_error(400, "AF20022", "No subscription found for the specified content type.")
        since, until = (
            datetime.fromisoformat(asked.query[name]).replace(tzinfo=UTC) for name in ("startTime", "endTime")
        )
        if until - since > timedelta(hours=24) or datetime.now(UTC) - since > timedelta(days=7):
            return _microsoft_error(400, "AF20055", "Start time and end time must be within 24 hours.")
        base = f"{self.url}/api/v1.0/{self.TENANT}/activity/feed"
        listed = [
            {"contentUri": f"{base}/audit/{kind}/{number}", "contentId": f"{kind}${number}", "contentType": kind}
            for number, (created, _) in enumerate(self.contents.get(kind, []))
            if since <= created < until
        ]
        first = int(asked.query.get("nextPage", "0"))
        rest = "&".join(f"{name}={value}" for name, value in asked.query.items() if name != "nextPage")
        more = {"NextPageUri": f"{base}/subscriptions/content?{rest}&nextPage={first + self.page}"}
        return Said(listed[first : first + self.page], headers=more if len(listed) > first + self.page else {})

    def log(self, kind: str, created: datetime, ids: list[str]) -> None:
        records = [
            {"Id": one, "CreationTime": created.strftime("%Y-%m-%dT%H:%M:%S"), "Operation": "UserLoggedIn"}
            | {"RecordType": 15, "Workload": "AzureActiveDirectory", "UserId": "bo@example.com", "UserType": 0}
            for one in ids
        ]
        self.contents.setdefault(kind, []).append((created, records))


def _microsoft_error(status: int, code: str, message: str) -> Said:
    return Said({"error": {"code": code, "message": message}}, status)


class Graph(Vendor):
    """Microsoft Graph's audit logs."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = Tokens()
        self.page = 3
        self.records: dict[str, list[dict[str, Any]]] = {"signIns": [], "directoryAudits": []}
        self.allowed = {"signIns", "directoryAudits"}

    def answer(self, asked: Asked) -> Said:
        if asked.path.endswith("/oauth2/v2.0/token"):
            return self.tokens.client_credentials(asked)
        if not self.tokens.good(asked):
            return Said(
                {"error": {"code": "InvalidAuthenticationToken", "message": "Lifetime validation failed."}}, 401
            )
        what = asked.path.rpartition("/")[2]
        if what not in self.allowed:
            said = "Calling principal does not have required MSGraph permissions AuditLog.Read.All"
            return Said({"error": {"code": "Authentication_RequestFromUnsupportedUserRole", "message": said}}, 403)
        field, since, until = _graph_filter(asked.query.get("$filter", ""))
        found = [one for one in self.records[what] if not field or since <= one[field] < until]
        first = int(asked.query.get("$skiptoken", "0"))
        rest = "&".join(
            f"{name}={value}".replace(" ", "%20") for name, value in asked.query.items() if name != "$skiptoken"
        )
        link = {"@odata.nextLink": f"{self.url}{asked.path}?{rest}&$skiptoken={first + self.page}"}
        page = {"@odata.context": "x", "value": found[first : first + self.page]}
        return Said(page | (link if len(found) > first + self.page else {}))


def _graph_filter(text: str) -> tuple[str, str, str]:
    if not text:
        return "", "", ""
    field, _, since, _, _, _, until = text.split(" ")
    return field, since, until


class Google(Vendor):
    """The Reports API: newest first."""

    SCOPE = "https://www.googleapis.com/auth/admin.reports.audit.readonly"

    def __init__(self) -> None:
        super().__init__()
        self.key = generate_private_key(65537, 2048)
        self.tokens = Tokens()
        self.page = 2
        self.items: dict[str, list[dict[str, Any]]] = {}
        self.claims: dict[str, Any] = {}

    @property
    def key_file(self) -> str:
        return orjson.dumps(
            {
                "type": "service_account",
                "client_email": "poller@example.iam.gserviceaccount.com",
                "private_key": pem(self.key),
            }
        ).decode()

    def log(self, application: str, moment: datetime, number: int) -> None:
        who = {"time": moment.isoformat().replace("+00:00", "Z"), "uniqueQualifier": str(number)}
        self.items.setdefault(application, []).insert(
            0,
            {
                "kind": "admin#reports#activity",
                "id": who | {"applicationName": application, "customerId": "C0example"},
                "actor": {"email": "bo@example.com", "profileId": "1"},
                "events": [{"type": "login", "name": "login_success"}],
            },
        )

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/token":
            self.claims = verified(asked.form["assertion"], self.key)
            allowed = self.claims.get("scope") == self.SCOPE and self.claims["sub"] == "admin@example.com"
            return self.tokens.give() if allowed else Said({"error": "unauthorized_client"}, 401)
        if not self.tokens.good(asked):
            return Said({"error": {"code": 401, "message": "Request had invalid authentication credentials."}}, 401)
        since, until = asked.query.get("startTime", ""), asked.query.get("endTime", "9999")
        application = asked.path.rpartition("/")[2]
        found = [one for one in self.items.get(application, []) if since <= one["id"]["time"] <= until]
        first = int(asked.query.get("pageToken", "A:0")[2:])
        token = {"nextPageToken": f"A:{first + self.page}"} if len(found) > first + self.page else {}
        items = {"items": found[first : first + self.page]} if found else {}
        return Said({"kind": "admin#reports#activities"} | items | token)


class GitHub(Vendor):
    """The audit log of an organization, for a token or for an installation of an app."""

    def __init__(self) -> None:
        super().__init__()
        self.key = generate_private_key(65537, 2048)
        self.page = 2
        self.entries: list[dict[str, Any]] = []
        self.installation = "token-of-github"

    def log(self, moment: datetime) -> str:
        one = f"doc{len(self.entries):05}"
        entry = {"@timestamp": int(moment.timestamp() * 1000), "action": "repo.create", "actor": "bo", "org": "example"}
        self.entries.append(entry | {"_document_id": one, "created_at": int(moment.timestamp() * 1000)})
        return one

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/app/installations/77/access_tokens":
            claims = verified(asked.headers["authorization"].removeprefix("Bearer "), self.key)
            assert claims["iss"] == "1234"
            ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds").replace("+00:00", "Z")
            return Said({"token": self.installation, "expires_at": ends}, 201)
        if asked.headers.get("authorization") != f"Bearer {self.installation}":
            return Said({"message": "Bad credentials"}, 401)
        if asked.path != "/orgs/example/audit-log":
            return Said({"message": "Not Found"}, 404)
        since, _, until = asked.query.get("phrase", "created:0000..9999").removeprefix("created:").partition("..")
        found = [one for one in self.entries if since <= _iso(one["@timestamp"]) <= until]
        first = int(asked.query.get("after", "0"))
        rest = "&".join(f"{name}={value}".replace("+", "%2B") for name, value in asked.query.items() if name != "after")
        link = f'<{self.url}{asked.path}?{rest}&after={first + self.page}>; rel="next", <{self.url}/x>; rel="first"'
        return Said(found[first : first + self.page], headers={"Link": link} if len(found) > first + self.page else {})


class CrowdStrike(Vendor):
    """The Alerts API: ids are listed, and the alerts of many fetched at once."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = Tokens()
        self.page = 3
        self.alerts: dict[str, dict[str, Any]] = {}

    def log(self, updated: datetime, one: str) -> None:
        alert = {"composite_id": one, "cid": "c1", "severity": 70, "created_timestamp": "2026-01-01T00:00:00Z"}
        self.alerts[one] = alert | {"updated_timestamp": f"{updated:%Y-%m-%dT%H:%M:%SZ}"}

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/oauth2/token":
            return self.tokens.client_credentials(asked)
        if not self.tokens.good(asked):
            return Said({"errors": [{"code": 401, "message": "access denied, invalid bearer token"}]}, 401)
        if asked.path == "/alerts/entities/alerts/v2":
            wanted = orjson.loads(asked.body)["composite_ids"]
            return Said({"errors": [], "resources": [self.alerts[one] for one in wanted]})
        since, until = asked.query.get("filter", "'0' '9'").split("'")[1::2]
        found = [one for one, alert in self.alerts.items() if since <= alert["updated_timestamp"] < until]
        first = int(asked.query.get("offset", "0"))
        meta = {"pagination": {"offset": first, "limit": self.page, "total": len(found)}}
        return Said({"meta": meta, "errors": [], "resources": found[first : first + self.page]})


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def verified(token: str, key: RSAPrivateKey) -> dict[str, Any]:
    """The claims of a signed token; raises if the signature is not the key's."""
    head, claims, signature = token.split(".")
    decoded = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in (head, claims, signature)]
    key.public_key().verify(decoded[2], f"{head}.{claims}".encode(), PKCS1v15(), SHA256())
    assert orjson.loads(decoded[0])["alg"] == "RS256"
    return dict(orjson.loads(decoded[1]))
