"""A working day of the people.

They log in with MFA, open their applications, read and write mail and files, use their laptops and, where their team
does, AWS.
"""

from collections.abc import Iterator
from typing import NamedTuple

from watchfloor.simulate import cloudtrail, entra, logons, m365, okta, sysmon, windows
from watchfloor.simulate.company import CLOUD_TEAMS, Person
from watchfloor.simulate.places import HOTEL, VPN_POOL, Place
from watchfloor.simulate.record import DAY, HOUR, MINUTE, Record, Scene

ON_THE_ROAD = {"Sales director": HOTEL}
"""Who is on a trip, and where."""

TEAM_APPS = {
    "executive": ("Board Portal", "Workday"),
    "finance": ("NetSuite", "Workday", "Expense Desk"),
    "sales": ("CRM", "Expense Desk", "Zoom"),
    "support": ("Helpdesk", "CRM"),
    "engineering": ("GitHub", "Jira", okta.AWS),
    "platform": ("GitHub", "PagerDuty", okta.AWS),
    "it": ("Helpdesk", "Jira", okta.AWS),
    "people": ("Workday", "Greenhouse"),
    "legal": ("Contract Vault",),
    "logistics": ("Fleet Planner", "Helpdesk"),
    "facilities": ("Visitor Desk",),
}
_SITES = {"executive": "Board", "finance": "Finance", "it": "ITOperations", "platform": "ITOperations"}
_FILES = (
    "Shared Documents/Plans/roadmap.docx",
    "Shared Documents/Plans/capacity.xlsx",
    "Shared Documents/Minutes/weekly-minutes.docx",
    "Shared Documents/Minutes/retrospective.pptx",
    "Shared Documents/Contracts/carrier-terms.pdf",
    "Shared Documents/Reports/arrivals.xlsx",
    "Shared Documents/Reports/utilisation.xlsx",
    "Shared Documents/Guides/onboarding.pdf",
)
_SUBJECTS = (
    "Berth schedule",
    "Re: arrivals this week",
    "Minutes",
    "Question on the rota",
    "Re: invoice 20418",
    "Lunch?",
)
_PROGRAMS = (
    # image, command line, a name it looks up, its address
    (r"C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE", "", "outlook.office365.com", "2001:db8:40::20"),
    (r"C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE", r"C:\Users\{user}\Documents\arrivals.xlsx", "", ""),
    (r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE", r"C:\Users\{user}\Documents\minutes.docx", "", ""),
    (
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        "--type=renderer",
        "login.northwind.example",
        "192.0.2.21",
    ),
    (r"C:\Program Files\WindowsApps\MSTeams_25060\ms-teams.exe", "", "teams.microsoft.com", "2001:db8:40::31"),
    (r"C:\Windows\System32\notepad.exe", r"C:\Users\{user}\Desktop\notes.txt", "", ""),
    (r"C:\Program Files\Zoom\bin\Zoom.exe", "--url=zoommtg://join", "zoom.example", "198.51.100.222"),
    (r"C:\Windows\System32\SnippingTool.exe", "", "", ""),
)
_CLOUD_CALLS = (
    "ec2:DescribeInstances",
    "ec2:DescribeSecurityGroups",
    "logs:FilterLogEvents",
    "logs:DescribeLogGroups",
    "cloudwatch:GetMetricData",
    "cloudwatch:DescribeAlarms",
    "lambda:ListFunctions20150331",
    "ecs:DescribeServices",
    "ecs:ListTasks",
    "ecs:UpdateService",
    "rds:DescribeDBInstances",
    "s3:ListBuckets",
    "sts:GetCallerIdentity",
)


class Day(NamedTuple):
    """One person's day: when they start and end, where they are, and their address inside the company's network."""

    person: Person
    start: int
    end: int
    place: Place
    inside: str


def people_at_work(scene: Scene) -> Iterator[Record]:
    """Everybody's day."""
    for number, person in enumerate(scene.company.people, start=1):
        day = _plan(scene, person, number)
        yield from _identity(scene, day)
        yield from _mail_and_files(scene, day)
        if person.device.windows:
            yield from _laptop(scene, day)
        if person.team in CLOUD_TEAMS:
            yield from _cloud(scene, day)


def sign_in(scene: Scene, time: int, who: okta.Visit) -> Iterator[Record]:
    """A login with MFA as it should be: the policy asks, one push, one approval, the session starts."""
    approved = scene.after(time, 6, 20)
    yield okta.policy(scene, time, who, "CHALLENGE")
    yield okta.push(scene, scene.after(time, 1, 3), who)
    yield okta.mfa(scene, approved, who)
    yield okta.login(scene, scene.after(approved, 0.2, 1), who)


def _plan(scene: Scene, person: Person, number: int) -> Day:
    # A quarter of an hour at either end keeps what follows a logon or precedes one inside the UTC day.
    start = max(scene.local(person.site, scene.rng.gauss(8.9, 0.5)), scene.midnight + HOUR // 4)
    end = min(start + int(scene.rng.uniform(7.8, 9.2) * HOUR), scene.midnight + DAY - HOUR // 2)
    at_home = scene.rng.random() < 0.3
    place = ON_THE_ROAD.get(person.title) or (person.home if at_home else person.site.egress)
    in_office = place is person.site.egress
    inside = person.device.address if in_office else f"{VPN_POOL}.{10 + number}"
    return Day(person, start, end, place, inside)


def _identity(scene: Scene, day: Day) -> Iterator[Record]:
    who = okta.visit(scene, day.person, day.place)
    yield from sign_in(scene, day.start, who)
    opened = scene.after(day.start, 40, 200)
    yield okta.sso(scene, opened, who, okta.OFFICE_365)
    yield entra.signed_in(scene, scene.after(opened, 1, 3), day.person, day.place, day.person.device.agent)
    apps = TEAM_APPS[day.person.team]
    for time in scene.spread(day.start + 5 * MINUTE, day.end, 5):
        yield okta.policy(scene, time, who, "ALLOW")
        yield okta.sso(scene, scene.after(time, 0.1, 0.6), who, scene.rng.choice(apps))
    for time in scene.spread(day.start + HOUR, day.end, 2):
        yield entra.signed_in(scene, time, day.person, day.place, day.person.device.agent)
    if scene.rng.random() < 0.05:
        yield okta.enroll(scene, scene.after(day.start, 4_000, 9_000), who)
    yield okta.logout(scene, day.end, who)


def _mail_and_files(scene: Scene, day: Day) -> Iterator[Record]:
    person, place, rng = day.person, day.place, scene.rng
    client = m365.OUTLOOK_DESKTOP if person.device.windows else m365.OUTLOOK_WEB
    for time in scene.spread(day.start, day.end, rng.randint(6, 10)):
        folders = {"Inbox": rng.randint(1, 5)} | ({"Sent Items": 1} if rng.random() < 0.3 else {})
        yield m365.mail_read(scene, time, person, place, folders, client=client)
    for time in scene.spread(day.start, day.end, rng.randint(2, 6)):
        yield m365.send(scene, time, person, place, rng.choice(_SUBJECTS), client=client)
    site = _SITES.get(person.team, person.team.title())
    for time in scene.spread(day.start, day.end, rng.randint(8, 14)):
        operation = rng.choices(("FileAccessed", "FileModified", "FileDownloaded", "FileUploaded"), (10, 4, 1, 1))[0]
        path = f"{site}/{rng.choice(_FILES)}"
        yield m365.file(scene, time, person, place, operation, path=path, agent=person.device.agent.raw)


def _laptop(scene: Scene, day: Day) -> Iterator[Record]:
    host, rng = day.person.device.host, scene.rng
    logon = windows.session(scene, windows.account_of(scene.company, day.person))
    yield logons.logged_on(
        scene, scene.after(day.start, -300, -60), host, logon, logons.INTERACTIVE, address="127.0.0.1", source=host
    )
    shell = sysmon.process(scene, r"C:\Windows\explorer.exe", r"C:\Windows\Explorer.EXE", logon)
    for time in scene.spread(day.start, day.end, rng.randint(13, 18)):
        image, arguments, name, address = rng.choice(_PROGRAMS)
        command_line = f'"{image}" {arguments.format(user=logon.account.name)}'.rstrip()
        program = sysmon.process(scene, image, command_line, logon)
        yield windows.process_created(scene, time, host, program, shell)
        yield sysmon.created(scene, scene.after(time, 0, 0.2), host, program, shell)
        if name:
            yield sysmon.resolved(scene, scene.after(time, 0.5, 1), host, program, name=name, address=address)
            yield sysmon.connected(
                scene, scene.after(time, 1, 2), host, program, source=day.inside, address=address, port=443
            )
        elif arguments:
            path = arguments.format(user=logon.account.name) + ".tmp"
            yield sysmon.file_created(scene, scene.after(time, 1, 60), host, program, path)
    for time in scene.spread(day.start + HOUR, day.end, 2):
        yield logons.logged_on(scene, time, host, logon, logons.UNLOCK, address="127.0.0.1", source=host)
    yield from _shares(scene, day, logon.account)
    yield logons.logged_off(scene, scene.after(day.end, 5, 60), host, logon, logons.INTERACTIVE)


def _shares(scene: Scene, day: Day, account: windows.Account) -> Iterator[Record]:
    for role, visits in (("file server", 3), ("domain controller", 2)):
        host = scene.company.server(role).name
        for time in scene.spread(day.start, day.end, visits):
            logon = windows.session(scene, account)
            yield logons.logged_on(scene, time, host, logon, logons.NETWORK, address=day.inside)
            yield logons.logged_off(scene, scene.after(time, 5, 900), host, logon, logons.NETWORK)


def _cloud(scene: Scene, day: Day) -> Iterator[Record]:
    permissions = "Developer" if day.person.team == "engineering" else "PlatformAdmin"
    for start in scene.spread(day.start + 10 * MINUTE, day.end - HOUR, 2):
        caller = cloudtrail.person_session(
            scene, start, day.person, day.place, permissions=permissions, agent=cloudtrail.CLI
        )
        yield cloudtrail.assume_with_saml(scene, start, caller)
        yield cloudtrail.console_login(scene, scene.after(start, 1, 3), caller, day.person.device.agent.raw)
        for time in scene.spread(start + MINUTE, start + 50 * MINUTE, scene.rng.randint(12, 18)):
            yield cloudtrail.call(scene, time, caller, scene.rng.choice(_CLOUD_CALLS))
        for time in scene.spread(start + MINUTE, start + 50 * MINUTE, 3):
            build = f"builds/{scene.rng.randrange(3000, 3400)}.tar.zst"
            size = scene.size(1, 40)
            yield cloudtrail.s3_object(
                scene, time, caller, "GetObject", bucket="northwind-artifacts", key=build, size=size
            )
