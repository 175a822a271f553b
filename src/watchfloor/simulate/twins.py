"""Benign twins: honest work that looks like an attack until one asks."""

from collections.abc import Iterable, Iterator

from watchfloor.event import Entity
from watchfloor.simulate import cloudtrail, directory, entra, logons, m365, okta, sysmon, windows
from watchfloor.simulate.benign import sign_in
from watchfloor.simulate.company import Server
from watchfloor.simulate.places import HOTEL, VPN_EGRESS
from watchfloor.simulate.record import HOUR, MINUTE, Episode, Record, Scenario, Scene, thing, user

SCANNER = "10.20.10.90"
TICKET = "CHG-20418: Systems administrator joins the server team from today"
ROLL_OUT = "Expense Desk Connector"
AUDIT_CALLS = (
    "iam:ListUsers",
    "iam:ListRoles",
    "iam:GetAccountSummary",
    "s3:ListBuckets",
    "s3:GetBucketPolicyStatus",
    "ec2:DescribeSecurityGroups",
    "kms:ListKeys",
    "cloudtrail:DescribeTrails",
    "rds:DescribeDBInstances",
    "lambda:ListFunctions20150331",
)


def traveller(scene: Scene) -> Iterator[Episode]:
    """The sales director logs in from a hotel in Tokyo, with MFA, and works through the VPN exit in Frankfurt."""
    who = scene.company.cast("Sales director")
    visit = okta.visit(scene, who, HOTEL)
    records = list(sign_in(scene, scene.at("00:12"), visit))
    records.append(okta.sso(scene, scene.at("00:15"), visit, okta.VPN))
    records.append(entra.signed_in(scene, scene.at("00:18"), who, VPN_EGRESS, who.device.agent))
    agent = who.device.agent.raw
    for number, time in enumerate(scene.spread(scene.at("00:20"), scene.at("00:50"), 8)):
        path = f"Sales/Shared Documents/Offers/offer-{number:02d}.docx"
        records.append(m365.file(scene, time, who, VPN_EGRESS, "FileAccessed", path=path, agent=agent))
    entities = (user(who), thing("address", HOTEL.address), thing("address", VPN_EGRESS.address))
    yield _twin("impossible_travel", "hotel_and_vpn", entities, records)


def new_administrator(scene: Scene) -> Iterator[Episode]:
    """A ticket is raised and approved; then the IT lead makes somebody an administrator, in Okta and on a server."""
    lead, admin = scene.company.cast("IT lead"), scene.company.cast("Systems administrator")
    asker = okta.visit(scene, admin, admin.site.egress)
    granter = okta.visit(scene, lead, lead.site.egress)
    host = scene.company.server("management server").name
    logon = windows.session(scene, windows.account_of(scene.company, lead), elevated=True)
    joined = scene.at("13:24")
    records = [
        okta.request_access(scene, scene.at("13:02"), asker, TICKET),
        okta.approve_access(scene, scene.at("13:11"), granter, TICKET, admin),
        okta.admin_app(scene, scene.at("13:14"), granter),
        okta.grant(scene, scene.at("13:16"), granter, admin, "Help desk administrator"),
        okta.join_group(scene, scene.at("13:18"), granter, admin, "Server team"),
        logons.logged_on(scene, scene.at("13:22"), host, logon, logons.REMOTE, address=lead.device.address),
        directory.joined_group(scene, joined, host, logon, windows.account_of(scene.company, admin)),
    ]
    yield _twin("privilege_escalation", "ticketed_administrator", (user(lead), user(admin)), records)


def board_meeting(scene: Scene) -> Iterator[Episode]:
    """The finance lead downloads the whole board folder before the meeting, from her own device in the office."""
    who = scene.company.cast("Finance lead")
    agent = who.device.agent.raw
    records = [
        m365.file(
            scene,
            time,
            who,
            who.site.egress,
            "FileDownloaded",
            path=f"Board/Shared Documents/Q1/{number:02d}.pdf",
            agent=agent,
        )
        for number, time in enumerate(scene.spread(scene.at("12:31"), scene.at("12:44"), 70))
    ]
    yield _twin("data_exfiltration", "board_meeting", (user(who),), records)


def fumbled_mfa(scene: Scene) -> Iterator[Episode]:
    """A support agent presses the wrong button twice and approves the third push, at their usual desk."""
    who = scene.company.cast("Support agent")
    visit = okta.visit(scene, who, who.site.egress)
    time = scene.at("18:05:12")
    records = [okta.policy(scene, time, visit, "CHALLENGE")]
    for attempt in (4, 31):
        records += [
            okta.push(scene, time + attempt * 1_000, visit),
            okta.deny(scene, time + (attempt + 9) * 1_000, visit),
        ]
    records += [
        okta.push(scene, time + 62_000, visit),
        okta.mfa(scene, time + 70_000, visit),
        okta.login(scene, time + 70_500, visit),
    ]
    yield _twin("mfa_fatigue", "fumbled_twice", (user(who),), records)


def oauth_roll_out(scene: Scene) -> Iterator[Episode]:
    """IT consents to an expense application for everybody, with scopes that fit; people start to use it."""
    lead = scene.company.cast("IT lead")
    client = entra.app(scene, ROLL_OUT)
    place, scope = lead.site.egress, "openid profile User.Read Calendars.Read"
    time = scene.at("09:40")
    records = [
        entra.add_principal(scene, time, lead, place, client),
        entra.grant(
            scene, time + 1_000, lead, place, client, scope=scope, operation="Add OAuth2PermissionGrant.", tenant=True
        ),
        entra.consent(scene, time + 2_000, lead, place, client, scope=scope, tenant=True),
    ]
    finance = [person for person in scene.company.people if person.team == "finance"]
    for person, used in zip(finance, scene.spread(time + HOUR, time + 5 * HOUR, len(finance)), strict=True):
        records.append(entra.signed_in(scene, used, person, person.site.egress, person.device.agent))
    yield _twin("oauth_grants", "roll_out", (user(lead), Entity("app", f"app:{client.app_id}", client.name)), records)


def nightly_backup(scene: Scene) -> Iterator[Episode]:
    """The backup agent lists shadow copies, starts a backup and writes and renames many files, as every night."""
    server = scene.company.server("backup server")
    logon = windows.session(scene, windows.SYSTEM)
    image = r"C:\Program Files\Harbor Backup\agent.exe"
    agent = sysmon.process(scene, image, f'"{image}" --service', logon)
    records: list[Record] = []
    for clock, program, line in (
        ("01:30:05", "vssadmin.exe", "vssadmin list shadows"),
        ("01:30:20", "wbadmin.exe", "wbadmin start backup -backupTarget:E: -include:D: -vssFull -quiet"),
    ):
        child = sysmon.process(scene, f"C:\\Windows\\System32\\{program}", line, logon)
        time = scene.at(clock)
        records.append(windows.process_created(scene, time, server.name, child, agent))
        records.append(sysmon.created(scene, time + 3, server.name, child, agent))
    for number, time in enumerate(scene.spread(scene.at("01:31"), scene.at("02:20"), 80)):
        path = rf"E:\Vault\FS01\block-{number:04d}.vbk{'.tmp' if number % 2 else ''}"
        records.append(sysmon.file_created(scene, time, server.name, agent, path))
    yield _twin("ransomware_precursors", "backup_job", (_host(server),), records)


def scanners(scene: Scene) -> Iterator[Episode]:
    """The vulnerability scanner tries default accounts on the servers; the posture scanner lists what AWS holds."""
    records: list[Record] = []
    for server in scene.company.servers:
        for time, name in scene.pace(scene.at("03:00"), scene.at("03:20"), _DEFAULT_ACCOUNTS * 6):
            known = name == "Administrator"
            records.append(
                logons.logon_failed(scene, time, server.name, name, address=SCANNER, source="NWH-SCAN01", known=known)
            )
    entities = (thing("address", SCANNER), *(_host(server) for server in scene.company.servers))
    yield _twin("login_risk", "vulnerability_scanner", entities, records)
    start = scene.at("04:00")
    caller = cloudtrail.role_session(scene, start, "posture-audit", "posture-scanner", address="198.51.100.250")
    calls = [
        cloudtrail.call(scene, time, caller, action)
        for time, action in scene.pace(start, start + 12 * MINUTE, AUDIT_CALLS * 12)
    ]
    yield _twin("privilege_escalation", "posture_scanner", (thing("user", caller.arn),), calls)


_DEFAULT_ACCOUNTS = ("Administrator", "admin", "guest", "backup")


def _host(server: Server) -> Entity:
    return Entity("host", f"host:{server.name.lower()}", server.name)


def _twin(use_case: str, variant: str, entities: tuple[Entity, ...], records: Iterable[Record]) -> Episode:
    ordered = tuple(sorted(records, key=lambda record: record.time))
    return Episode(
        id=f"twin-{use_case}-{variant}",
        kind="twin",
        use_case=use_case,
        variant=variant,
        campaign=None,
        decisive=ordered[-1].time,
        entities=entities,
        records=ordered,
    )


TWINS: tuple[Scenario, ...] = (
    traveller,
    new_administrator,
    board_meeting,
    fumbled_mfa,
    oauth_roll_out,
    nightly_backup,
    scanners,
)
