"""The day's attacks, told as chapters.

**Tidewater.** An operations engineer opens a phishing link although Safe Links warns. Whoever runs it now has the
password, but not the phone: so the phone rings, push after push, nine times denied, until the tenth is approved. From a
hosting company in Reykjavik, while the engineer sits in the Hamburg office, the intruder enrols a factor and a device
of their own; consents, in the engineer's name, to an application that may read mail whenever it likes; hides the
security mails with an inbox rule; reads the mailbox and takes the operations team's files. Single sign-on opens AWS: a
burst of discovery, a key for the billing service's user, administrator rights for it, one trail stopped (the
organisation's own trail goes on, which is why we can read this), secrets read, and some hundred customer exports
fetched with the new key. Through the VPN they log on to the file server: an encoded PowerShell download, the memory of
LSASS, a new local administrator, a task that survives a restart, an upload of the finance share, and then shadow
copies, backup catalogue and recovery removed. The day ends before anything is encrypted.

**Driftnet.** Unrelated: one address in Panama tries one password on half of the company and finds the front desk's
account, which is exempt from MFA. Nothing more happens.
"""

from collections.abc import Iterator
from typing import NamedTuple

from watchfloor.event import Entity
from watchfloor.simulate import cloudtrail, entra, m365, okta
from watchfloor.simulate.company import Person
from watchfloor.simulate.machines import EXPORT_USER, EXPORTS, export_key
from watchfloor.simulate.places import BULLETPROOF, FIREFOX_LINUX, MAIL_COLLECTOR, SCRIPT, SPRAYER
from watchfloor.simulate.record import MINUTE, Episode, Record, Scenario, Scene, thing, user
from watchfloor.simulate.story_host import precursors

TIDEWATER = "tidewater"
DRIFTNET = "driftnet"

PHISH = "https://login-northwind.example/session?continue=okta"
SCOPE = "offline_access openid profile User.Read Mail.Read"
HIDE_SECURITY_MAIL = {
    "Name": ".",
    "SubjectOrBodyContainsWords": "okta;security;sign-in;new device;MFA;helpdesk",
    "MoveToFolder": "RSS Feeds",
    "MarkAsRead": "True",
    "StopProcessingRules": "True",
}
FORWARD_SECRETS = {
    "Name": "..",
    "SubjectOrBodyContainsWords": "password;vpn;wire;credentials",
    "ForwardTo": "archive@mail-relay.example",
    "DeleteMessage": "True",
    "StopProcessingRules": "True",
}
STOLEN_FOLDERS = ("Network", "Runbooks", "Backups", "VPN", "Vendors", "Inventory")
DISCOVERY = (
    "sts:GetCallerIdentity",
    "iam:ListUsers",
    "iam:ListRoles",
    "iam:ListAttachedUserPolicies",
    "iam:GetAccountAuthorizationDetails",
    "s3:ListBuckets",
    "s3:GetBucketAcl",
    "s3:GetBucketPolicy",
    "secretsmanager:ListSecrets",
    "ec2:DescribeInstances",
    "ec2:DescribeVpcs",
    "cloudtrail:DescribeTrails",
    "organizations:ListAccounts",
    "kms:ListKeys",
    "rds:DescribeDBInstances",
)
REFUSED = frozenset({"organizations:ListAccounts", "iam:GetAccountAuthorizationDetails"})
SECRETS = ("prod/fileserver/admin", "prod/backup/vault", "prod/orders/db", "prod/mail/relay", "prod/vpn/psk")


class Intruder(NamedTuple):
    """What the intruder holds: the victim's session, and the application that reads their mail."""

    victim: Person
    visit: okta.Visit
    client: entra.App


def tidewater(scene: Scene) -> Iterator[Episode]:
    """The attack that moves from Okta over Microsoft 365 and AWS to a file server."""
    victim = scene.company.cast("IT operations engineer")
    visit = okta.visit(scene, victim, BULLETPROOF, FIREFOX_LINUX, strange=True)
    intruder = Intruder(victim, visit, entra.app(scene, "Mail Archive Sync"))
    yield _phished(scene, victim)
    yield from _worn_down(scene, intruder)
    yield _consented(scene, intruder)
    yield from _mailbox_and_files(scene, intruder)
    yield from _cloud(scene, intruder)
    yield precursors(scene, intruder.visit)


def _phished(scene: Scene, victim: Person) -> Episode:
    click = m365.link_clicked(scene, scene.at("14:07"), victim, victim.site.egress, PHISH)
    return _chapter("phishing", "safe_links_override", click.time, (user(victim), thing("url", PHISH)), [click])


def _worn_down(scene: Scene, intruder: Intruder) -> Iterator[Episode]:
    victim, strange, _ = intruder
    own = okta.visit(scene, victim, victim.site.egress)
    at_the_office = okta.sso(scene, scene.at("14:18"), own, "Jira")
    asked = okta.policy(scene, scene.at("14:21:10"), strange, "CHALLENGE")
    pushes: list[Record] = []
    for number in range(9):
        sent = scene.after(asked.time, 5 + 80 * number, 20 + 80 * number)
        pushes += [okta.push(scene, sent, strange), okta.deny(scene, scene.after(sent, 8, 35), strange)]
    last = okta.push(scene, scene.at("14:34:20"), strange)
    approved = okta.mfa(scene, scene.after(last.time, 9, 14), strange)
    entered = okta.login(scene, approved.time + 600, strange)
    factor = okta.enroll(scene, scene.at("14:36:40"), strange)
    device = okta.add_device(scene, scene.at("14:37:05"), strange, "SM-A156B", "ANDROID")
    who = (user(victim), thing("address", BULLETPROOF.address))
    fatigue = [asked, *pushes, last, approved, entered]
    yield _chapter("mfa_fatigue", "push_bombing_approved", approved.time, who, fatigue)
    yield _chapter("login_risk", "new_country_and_factor", factor.time, who, [entered, factor, device])
    yield _chapter("impossible_travel", "office_and_hosting", entered.time, who, [at_the_office, entered])


def _consented(scene: Scene, intruder: Intruder) -> Episode:
    victim, visit, client = intruder
    opened = okta.sso(scene, scene.at("14:39:30"), visit, okta.OFFICE_365)
    entered = entra.signed_in(scene, opened.time + 2_000, victim, BULLETPROOF, visit.agent, managed=False)
    added = entra.add_principal(scene, scene.at("14:44:05"), victim, BULLETPROOF, client)
    granted = entra.grant(scene, added.time + 1_000, victim, BULLETPROOF, client, scope=SCOPE)
    consent = entra.consent(scene, added.time + 2_000, victim, BULLETPROOF, client, scope=SCOPE)
    who = (user(victim), Entity("app", f"app:{client.app_id}", client.name))
    return _chapter("oauth_grants", "mail_read_offline", consent.time, who, [opened, entered, added, granted, consent])


def _mailbox_and_files(scene: Scene, intruder: Intruder) -> Iterator[Episode]:
    victim, visit, client = intruder
    rules = [
        m365.inbox_rule(scene, scene.at("14:47:20"), victim, BULLETPROOF, HIDE_SECURITY_MAIL),
        m365.inbox_rule(scene, scene.at("14:49:02"), victim, BULLETPROOF, FORWARD_SECRETS),
    ]
    who = (user(victim), thing("address", BULLETPROOF.address))
    yield _chapter("data_exfiltration", "inbox_rule_forwarding", rules[1].time, who, rules)
    read = [
        m365.mail_read(
            scene, time, victim, MAIL_COLLECTOR, {"Inbox": 40, "Archive": 25}, client=m365.REST, app_id=client.app_id
        )
        for time in scene.spread(scene.at("14:52"), scene.at("15:10"), 70)
    ]
    yield _chapter("data_exfiltration", "mailbox_sweep", read[20].time, who, read)
    agent = visit.agent.raw
    paths = [
        f"ITOperations/Shared Documents/{folder}/{number:02d}.pdf" for folder in STOLEN_FOLDERS for number in range(15)
    ]
    taken = [
        m365.file(scene, time, victim, BULLETPROOF, "FileDownloaded", path=path, agent=agent, managed=False)
        for time, path in scene.pace(scene.at("15:00"), scene.at("15:19"), paths)
    ]
    yield _chapter("data_exfiltration", "sharepoint_bulk_download", taken[30].time, who, taken)


def _cloud(scene: Scene, intruder: Intruder) -> Iterator[Episode]:
    victim, visit, _ = intruder
    opened = okta.sso(scene, scene.at("15:25:10"), visit, okta.AWS)
    caller = cloudtrail.person_session(
        scene, opened.time, victim, BULLETPROOF, permissions="PlatformAdmin", agent=cloudtrail.CLI
    )
    assumed = cloudtrail.assume_with_saml(scene, opened.time + 2_000, caller)
    console = cloudtrail.console_login(scene, opened.time + 4_000, caller, visit.agent.raw)
    looked = [
        cloudtrail.call(scene, time, caller, action, denied=action in REFUSED)
        for time, action in scene.pace(scene.at("15:31"), scene.at("15:36"), DISCOVERY * 3)
    ]
    time, key = scene.at("15:41:12"), cloudtrail.key_of(scene)
    owner = {"userName": EXPORT_USER}
    fresh = {"accessKeyId": key, "status": "Active", "createDate": cloudtrail.worded(time), **owner}
    minted = cloudtrail.call(scene, time, caller, "iam:CreateAccessKey", owner, response={"accessKey": fresh})
    policy = owner | {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    raised = cloudtrail.call(scene, scene.at("15:42:31"), caller, "iam:AttachUserPolicy", policy)
    trail = {"name": "northwind-audit"}
    silenced = cloudtrail.call(scene, scene.at("15:44:03"), caller, "cloudtrail:StopLogging", trail)
    secrets = [
        cloudtrail.call(scene, time, caller, "secretsmanager:GetSecretValue", {"secretId": name})
        for time, name in scene.pace(scene.at("15:46"), scene.at("15:48"), SECRETS)
    ]
    thief = cloudtrail.iam_user(scene.company, EXPORT_USER, key, BULLETPROOF.address, cloudtrail.CLI)
    who = (user(victim), thing("address", BULLETPROOF.address), thing("user", thief.arn))
    steps = [opened, assumed, console, *looked, minted, raised, silenced, *secrets]
    yield _chapter("privilege_escalation", "key_and_admin_policy", raised.time, who, steps)
    yield _bucket_swept(scene, thief, who)


def _bucket_swept(scene: Scene, thief: cloudtrail.Caller, who: tuple[Entity, ...]) -> Episode:
    first = cloudtrail.call(scene, scene.at("15:49:30"), thief, "sts:GetCallerIdentity")
    keys = [export_key(number) for number in range(1, 121)] * 3
    fetched = [
        cloudtrail.s3_object(scene, time, thief, "GetObject", bucket=EXPORTS, key=key, size=scene.size(2, 9))
        for time, key in scene.pace(scene.at("15:51"), scene.at("16:12"), keys)
    ]
    where = (*who, thing("resource", EXPORTS))
    return _chapter("data_exfiltration", "bucket_sweep", fetched[60].time, where, [first, *fetched])


def driftnet(scene: Scene) -> Iterator[Episode]:
    """A password spray with one success and no sequel."""
    lucky = scene.company.cast("Front desk")
    others = [person for person in scene.company.people if person is not lucky]
    tried = scene.rng.sample(others, 24)
    tried.insert(17, lucky)
    times = scene.spread(scene.at("04:10"), scene.at("04:10") + 38 * MINUTE, len(tried))
    records: list[Record] = []
    decisive = times[-1]
    for time, person in zip(times, tried, strict=True):
        visit = okta.visit(scene, person, SPRAYER, SCRIPT, strange=True)
        if person is lucky:
            decisive = time
            records += [
                okta.policy(scene, time - 400, visit, "ALLOW", "Kiosk without MFA"),
                okta.login(scene, time, visit),
            ]
        else:
            records.append(okta.login(scene, time, visit, reason="INVALID_CREDENTIALS"))
    yield Episode(
        id="driftnet-login_risk-password_spray",
        kind="attack",
        use_case="login_risk",
        variant="password_spray",
        campaign=DRIFTNET,
        decisive=decisive,
        entities=(user(lucky), thing("address", SPRAYER.address)),
        records=tuple(records),
    )


def _chapter(
    use_case: str, variant: str, decisive: int, entities: tuple[Entity, ...], records: list[Record]
) -> Episode:
    return Episode(
        id=f"{TIDEWATER}-{use_case}-{variant}",
        kind="attack",
        use_case=use_case,
        variant=variant,
        campaign=TIDEWATER,
        decisive=decisive,
        entities=entities,
        records=tuple(records),
    )


ATTACKS: tuple[Scenario, ...] = (tidewater, driftnet)
