"""A report model as an investigation would give it: one attack over four sources, small cases, a busy account."""

import hashlib
import random
from collections import Counter
from collections.abc import Sequence

from watchfloor.case import (
    Assessment,
    Case,
    Decision,
    Hypothesis,
    Link,
    Proposal,
    Rejection,
    Risk,
    Sentence,
    Step,
    TimelineEntry,
    Verdict,
)
from watchfloor.console.model import (
    HOUR,
    DeadLetterCount,
    EvidenceEvent,
    LoadFailure,
    Pack,
    ReportModel,
    Run,
    SourceCount,
    hourly,
)
from watchfloor.console.techniques import known_techniques
from watchfloor.event import Origin, entity_of
from watchfloor.finding import Finding, Level, Rule, Term

START = 1_741_737_600_000
"""12 March 2025, 00:00 UTC."""
MINUTE = 60_000

Seen = tuple[int, str, str, str]
"""An event: minute of the day, source, description, file."""

OKTA, M365, AWS, WINDOWS = "okta_system_log", "microsoft_365", "aws_cloudtrail", "windows"
FILES = {
    OKTA: "logs/okta/system-2025-03-12.ndjson",
    M365: "logs/m365/audit-2025-03-12.csv.gz",
    AWS: "logs/aws/123_CloudTrail_us-east-1_20250312T1000Z.json.gz",
    WINDOWS: "logs/windows/fin-ws-017-security.evtx",
}


class Builder:
    """Collects events and hands out findings about them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.evidence: dict[str, EvidenceEvent] = {}
        self.findings: list[Finding] = []
        self.timeline: list[TimelineEntry] = []

    def event(self, minute: float, source: str, words: str, *, second: int = 0) -> str:
        number = len(self.evidence) + 1
        uid = hashlib.sha256(f"{self.name}{number}".encode()).hexdigest()[:32]
        time = START + int(minute * MINUTE) + second * 1000
        index = number % 7 if source == AWS else None
        self.evidence[uid] = EvidenceEvent(time, source, words, Origin(FILES[source], 1200 + 37 * number, index))
        return uid

    def finding(  # noqa: PLR0917 - a call reads as a line of the story
        self,
        title: str,
        level: Level,
        tactic: str,
        techniques: Sequence[str],
        text: str,
        events: Sequence[str],
    ) -> Finding:
        times = [self.evidence[uid].time for uid in events]
        rule = Rule(
            id=hashlib.sha256(title.encode()).hexdigest()[:8] + "-6b1c-4a52-9d0e-5f7788990011",
            title=title,
            level=level,
            tactics=(tactic,),
            techniques=tuple(techniques),
            false_positives=("Administrators doing planned work",),
            runbook="Ask the account's owner over a second channel.",
            path=f"detections/{title.lower().replace(' ', '_')}/detection.yml",
        )
        finding = Finding(
            uid=hashlib.sha256(f"{self.name}{title}{len(self.findings)}".encode()).hexdigest()[:32],
            tenant="default",
            rule=rule,
            start=min(times),
            end=max(times),
            event_uids=tuple(events),
            source=self.evidence[events[0]].source,
        )
        self.findings.append(finding)
        self.timeline.append(
            TimelineEntry(min(times), max(times), text, level, tactic, (finding.uid,), tuple(events), len(events))
        )
        return finding

    def case(  # noqa: PLR0917 - as above
        self,
        title: str,
        level: Level,
        risk: Risk,
        links: Sequence[tuple[str, str, str, int]],
        assessment: Assessment,
        proposals: Sequence[Proposal] = (),
        why: Sequence[str] = (),
    ) -> Case:
        ids = dict.fromkeys(end for link in links for end in link[:2])
        tactics = tuple(dict.fromkeys(entry.tactic for entry in self.timeline if entry.tactic))
        return Case(
            uid=hashlib.sha256(self.name.encode()).hexdigest()[:32],
            tenant="default",
            title=title,
            level=level,
            start=min(entry.time for entry in self.timeline),
            end=max(entry.end for entry in self.timeline),
            findings=tuple(self.findings),
            entities=tuple(entity_of(uid) for uid in ids),
            tactics=tactics,
            risk=risk,
            timeline=tuple(sorted(self.timeline, key=lambda entry: entry.time)),
            links=tuple(Link(*link) for link in links),
            why_together=tuple(why),
            assessment=assessment,
            proposals=tuple(proposals),
        )


def step(
    name: str, action: str, target: str, verdict: Verdict, reason: str, *, undo: str | None = None, words: str = ""
) -> Step:
    decision = Decision(
        verdict,
        policies=("containment-needs-a-second-pair-of-eyes",) if verdict != "permit" else ("reads-are-free",),
        reasons=(reason,),
        alternatives=("Revoke the sessions only, which a single analyst may do",) if verdict != "permit" else (),
        approvals=("one incident commander, not the proposer",) if verdict == "needs-approval" else (),
    )
    return Step(name, action, target, decision, words, undo)


def takeover() -> tuple[Case, dict[str, EvidenceEvent]]:
    """MFA fatigue on an Okta account, then mail, cloud and a workstation."""
    b = Builder("takeover")
    who, admin = "priya.raman@example.com", "svc-deploy@example.com"
    prompts = [
        b.event(545 + n / 3, OKTA, f"Okta Verify push sent to {who}, not answered (attempt {n + 1})") for n in range(18)
    ]
    accepted = b.event(552, OKTA, f"Okta Verify push accepted by {who} from 203.0.113.77")
    session = b.event(552, OKTA, f"Session started for {who} from 203.0.113.77, new device, Tor exit", second=4)
    factor = b.event(556, OKTA, f"MFA factor “Google Authenticator” enrolled for {who} from 203.0.113.77")
    consent = b.event(571, M365, f"{who} consented to app “MailSync Pro” with Mail.ReadWrite, offline_access")
    rule = b.event(578, M365, f"Inbox rule “.” created for {who}: move messages with “invoice” to RSS Feeds")
    reads = [
        b.event(580 + n / 2, M365, f"MailItemsAccessed: app MailSync Pro read 120 items of {who}") for n in range(9)
    ]
    role = b.event(612, AWS, f"{who} assumed role arn:aws:iam::111122223333:role/DeployAdmin through SAML")
    key = b.event(618, AWS, f"Access key AKIAIOSFODNN7EXAMPLE created for {admin} by DeployAdmin/{who}")
    trail = b.event(622, AWS, "StopLogging on trail org-audit by DeployAdmin")
    gets = [
        b.event(
            630 + n / 4,
            AWS,
            f"GetObject s3://fin-reports-prod/2024/q{n % 4 + 1}/ledger-{n:03}.parquet from 203.0.113.77",
        )
        for n in range(46)
    ]
    rdp = b.event(671, WINDOWS, "Logon type 10 of EXAMPLE\\priya.raman on FIN-WS-017 from 198.51.100.23")
    shell = b.event(
        675, WINDOWS, "powershell.exe -nop -w hidden -enc JABjAD0ATgBlAHcALQBPAGIAagBlAGMAdAA… on FIN-WS-017"
    )
    lsass = b.event(679, WINDOWS, "rundll32.exe comsvcs.dll MiniDump of lsass.exe on FIN-WS-017")
    shadow = b.event(691, WINDOWS, "vssadmin.exe delete shadows /all /quiet on FIN-WS-017")
    f = b.finding
    f(
        "Repeated MFA prompts then success",
        "high",
        "credential-access",
        ["T1621"],
        f"18 push prompts to {who} in 6 minutes, the last one accepted",
        [*prompts, accepted],
    )
    f(
        "Sign-in from anonymising network",
        "medium",
        "initial-access",
        ["T1078.004"],
        "Session started from a Tor exit on a device never seen for this person",
        [session],
    )
    f(
        "MFA factor enrolled after risky sign-in",
        "high",
        "persistence",
        ["T1556.006", "T1098.005"],
        "A second factor was enrolled four minutes after the session began",
        [factor],
    )
    f(
        "OAuth grant to unverified app with mail scope",
        "high",
        "persistence",
        ["T1528"],
        "Consent to “MailSync Pro”, which may read and write all mail and stay",
        [consent],
    )
    f(
        "Inbox rule hides invoices",
        "high",
        "defense-evasion",
        ["T1564.008"],
        "An inbox rule moves messages with “invoice” out of sight",
        [rule],
    )
    f("Mail read by new app", "medium", "collection", ["T1114.002"], "MailSync Pro read 1,080 messages", reads)
    f(
        "Role with administrator policy assumed",
        "medium",
        "privilege-escalation",
        ["T1078.004"],
        "Role DeployAdmin assumed for the first time by this person",
        [role],
    )
    f(
        "Access key created for another user",
        "high",
        "persistence",
        ["T1098.001"],
        f"A long-lived access key was made for {admin}",
        [key],
    )
    f(
        "CloudTrail logging stopped",
        "critical",
        "defense-evasion",
        ["T1562.008"],
        "The organisation's audit trail was stopped",
        [trail],
    )
    f(
        "Bulk read of sensitive bucket",
        "high",
        "exfiltration",
        ["T1530", "T1567.002"],
        "46 objects read from fin-reports-prod within 12 minutes, none in the 30 days before",
        gets,
    )
    f(
        "Remote desktop from unusual address",
        "medium",
        "lateral-movement",
        ["T1021.001"],
        "Remote desktop logon to FIN-WS-017",
        [rdp],
    )
    f(
        "Encoded PowerShell in hidden window",
        "high",
        "execution",
        ["T1059.001", "T1027"],
        "PowerShell ran an encoded command in a hidden window",
        [shell],
    )
    f(
        "LSASS memory dump through comsvcs",
        "critical",
        "credential-access",
        ["T1003.001"],
        "The memory of lsass.exe was written to disk",
        [lsass],
    )
    f(
        "Shadow copies deleted",
        "critical",
        "impact",
        ["T1490"],
        "All shadow copies were deleted, as ransomware does before it encrypts",
        [shadow],
    )
    risk = Risk(
        0.968,
        (
            Term("Base rate", -2.2, "One case in ten of this kind of grouping was a true attack"),
            Term(
                "Decisive findings",
                2.6,
                "Logging stopped, LSASS dumped and shadow copies deleted: rarely seen in benign work",
            ),
            Term("Order of an attack", 1.4, "Nine tactics in a plausible order within 2 h 26 min"),
            Term("Rare address", 0.9, "203.0.113.77 was never seen before in this tenant"),
            Term("Factor enrolled by the session", 0.8, "A new factor right after a risky sign-in keeps the access"),
            Term("Known maintenance window", -0.3, "11:00 to 12:00 is a maintenance window of FIN-WS-017"),
            Term("Account is privileged", 0.21, "DeployAdmin may change every bucket"),
        ),
    )
    s = Sentence
    assessment = Assessment(
        headline="An attacker wore down Priya Raman's MFA, took over her account, read her mail and 46 finance "
        "objects, switched off AWS audit logging and reached FIN-WS-017, where the last steps prepare ransomware.",
        sentences=(
            s(
                f"From 09:05 UTC on 12 March, {who} got 18 push prompts in 6 minutes and accepted the last one.",
                (*prompts, accepted),
            ),
            s("The session came from 203.0.113.77, a Tor exit, on a device never seen for this person.", (session,)),
            s(
                "Four minutes later it enrolled a second factor, so a password reset alone will not end the access.",
                (factor,),
            ),
            s(
                "It consented to the app “MailSync Pro”, hid messages with “invoice” by an inbox rule, and the app "
                "read 1,080 messages.",
                (consent, rule, *reads),
            ),
            s(
                f"In AWS the same person assumed DeployAdmin, created an access key for {admin} and stopped the trail "
                "org-audit.",
                (role, key, trail),
            ),
            s("Then 46 objects were read from fin-reports-prod within 12 minutes.", tuple(gets)),
            s(
                "At 11:11 EXAMPLE\\priya.raman logged on to FIN-WS-017 by remote desktop and ran encoded PowerShell; "
                "the memory of lsass.exe was dumped and all shadow copies were deleted.",
                (rdp, shell, lsass, shadow),
            ),
        ),
        hypotheses=(
            Hypothesis(
                "Account takeover that turns into ransomware",
                0.93,
                "Every step serves the next; the host steps are the usual last ones before encryption.",
                ("the order of tactics", "new device from Tor", "audit logging stopped"),
            ),
            Hypothesis(
                "Red-team exercise",
                0.05,
                "The same steps would be seen; nobody announced one in the logs.",
            ),
            Hypothesis(
                "Priya Raman acted herself",
                0.02,
                "She answered a prompt, but from a device and an address that were never hers.",
                ("a prompt was accepted",),
            ),
        ),
        checks=(
            "Call Priya Raman on a number from the directory: did she accept a prompt at 09:12 UTC?",
            "Look for use of AKIAIOSFODNN7EXAMPLE after 10:18 UTC, from any address.",
            "Restore the trail org-audit and find what happened while it was off, from S3 access logs.",
            "Isolate FIN-WS-017 before anything is encrypted; then look for the dump file under C:\\Windows\\Temp.",
            "List other consents to “MailSync Pro” in the tenant.",
        ),
        rejected=(
            Rejection("She was promoted.", (accepted,), ("promoted is no word of ours, and in no cited event",)),
        ),
    )
    proposals = (
        Proposal(
            "contain_account",
            "Contain the account",
            who,
            "Seven findings name this account and one session is still open.",
            (
                step(
                    "Collect sign-in history", "okta_read_log", who, "permit", "Reading is permitted to every analyst."
                ),
                step(
                    "End all sessions",
                    "okta_clear_sessions",
                    who,
                    "permit",
                    "The account is not on the protected list and the step is reversible: the person signs in again.",
                    undo="nothing to undo",
                ),
                step(
                    "Suspend the account",
                    "okta_suspend_user",
                    who,
                    "needs-approval",
                    "Suspending a member of Finance in business hours needs one approval.",
                    undo="okta_unsuspend_user, at the latest after 8 h",
                ),
                step(
                    "Remove the new factor",
                    "okta_reset_factor",
                    who,
                    "needs-approval",
                    "Resetting a factor needs one approval.",
                    undo="the person enrols again",
                ),
            ),
        ),
        Proposal(
            "isolate_host",
            "Isolate the host",
            "FIN-WS-017",
            "Shadow copies were deleted; encryption is likely to follow.",
            (
                step(
                    "Capture memory", "edr_capture_memory", "FIN-WS-017", "permit", "Capturing evidence is permitted."
                ),
                step(
                    "Isolate from the network",
                    "edr_isolate",
                    "FIN-WS-017",
                    "needs-approval",
                    "One of two isolations allowed in an hour is left.",
                    undo="edr_release, at the latest after 4 h",
                ),
                step(
                    "Shut down",
                    "host_shutdown",
                    "FIN-WS-017",
                    "deny",
                    "Shutting down destroys the memory that is evidence.",
                    words="Fallback if isolation fails.",
                ),
            ),
        ),
    )
    user, host, aws = f"user:{who}", "host:FIN-WS-017", f"user:{admin}"
    links = (
        ("address:203.0.113.77", user, "signed in", 2),
        (user, "app:Okta Verify", "prompted by", 18),
        (user, "app:MailSync Pro", "consented to", 1),
        ("app:MailSync Pro", f"resource:mailbox {who}", "read mail", 9),
        (user, f"resource:mailbox {who}", "created inbox rule", 1),
        (user, "resource:role/DeployAdmin", "assumed", 1),
        (user, aws, "created access key for", 1),
        (user, "resource:trail/org-audit", "stopped", 1),
        (user, "resource:s3://fin-reports-prod", "read objects", 46),
        ("address:203.0.113.77", "resource:s3://fin-reports-prod", "read objects", 46),
        ("address:198.51.100.23", host, "remote desktop", 1),
        (user, host, "logged on", 1),
    )
    case = b.case(
        "MFA fatigue, cloud takeover and ransomware precursors around priya.raman@example.com",
        "critical",
        risk,
        links,
        assessment,
        proposals,
        (
            "All name the same person: an Okta login, a UPN, a SAML subject and EXAMPLE\\priya.raman are one identity.",
            "The address 203.0.113.77 appears in Okta, Microsoft 365 and AWS within two hours.",
            "Nine tactics follow each other in the order of an attack.",
        ),
    )
    return case, b.evidence


def precursors() -> tuple[Case, dict[str, EvidenceEvent]]:
    """A host with hundreds of timeline entries and more entities than a graph can hold."""
    b = Builder("precursors")
    rng = random.Random(7)  # noqa: S311 - sample data
    tactics = (
        ("discovery", "T1087.002", "Domain accounts enumerated", "low"),
        ("discovery", "T1018", "Remote systems enumerated", "low"),
        ("lateral-movement", "T1021.002", "Admin share written", "medium"),
        ("execution", "T1569.002", "Service executed through PsExec", "high"),
        ("defense-evasion", "T1070.001", "Event log cleared", "high"),
        ("credential-access", "T1003.003", "NTDS database copied", "critical"),
    )
    links: list[tuple[str, str, str, int]] = []
    for n in range(340):
        tactic, technique, title, level = tactics[min(5, int(rng.random() ** 2 * 6))]
        host = f"SRV-{rng.randrange(1, 34):02}"
        event = b.event(60 + n * 3.1 + rng.random(), WINDOWS, f"{title} on {host} by EXAMPLE\\backup-svc")
        b.finding(title, level, tactic, [technique], f"{title} on {host}", [event])  # type: ignore[arg-type]
        links.append(("user:EXAMPLE\\backup-svc", f"host:{host}", "logged on", 1))
        if n % 5 == 0:
            links.append((f"host:{host}", f"host:SRV-{rng.randrange(1, 34):02}", "wrote to ADMIN$", 1))
        if n % 40 == 0:
            links.append((f"address:198.51.100.{rng.randrange(2, 40)}", f"host:{host}", "connected", 3))
    events = list(b.evidence)
    assessment = Assessment(
        "The service account EXAMPLE\\backup-svc moved over 33 servers and copied the directory database.",
        (
            Sentence("EXAMPLE\\backup-svc logged on to 33 servers between 01:00 and 18:35 UTC.", tuple(events[:200])),
            Sentence("It wrote to admin shares and ran services through PsExec.", tuple(events[5:9])),
        ),
        (
            Hypothesis(
                "Hands-on intrusion with a stolen service account",
                0.81,
                "A backup account has no reason to enumerate accounts.",
            ),
            Hypothesis(
                "New backup product rolled out",
                0.19,
                "Many hosts by one account is also what a roll-out looks like.",
            ),
        ),
        ("Ask the backup team whether anything was rolled out on 12 March.",),
    )
    risk = Risk(
        0.81,
        (
            Term("Decisive findings", 1.9, "The directory database was copied"),
            Term("Spread", 0.9, "33 hosts in 17 hours"),
            Term("Base rate", -1.35, "Service accounts make many findings in ordinary work"),
        ),
    )
    proposal = Proposal(
        "isolate_host",
        "Isolate the host",
        "SRV-07",
        "The directory database was copied from it.",
        (
            step(
                "Isolate from the network",
                "edr_isolate",
                "SRV-07",
                "deny",
                "SRV-07 is a domain controller, which is never isolated automatically.",
            ),
        ),
    )
    return b.case("Service account spreads over 33 servers", "high", risk, links, assessment, (proposal,)), b.evidence


def small(number: int, level: Level, risk: float, title: str, minute: int) -> tuple[Case, dict[str, EvidenceEvent]]:
    """A case of one or two findings."""
    b = Builder(f"small{number}")
    who = f"user:{('lena.fischer', 'omar.haddad', 'j.okafor', 'mei.tanaka', 'build-bot')[(number - 1) % 5]}@example.com"
    first = b.event(minute, OKTA, f"{who[5:]} signed in from 192.0.2.{number % 250 + 1}")
    second = b.event(minute + 7, M365, f"{who[5:]} downloaded 240 files from SharePoint site Sales")
    b.finding(
        "Impossible travel", level, "initial-access", ["T1078.004"], "Sign-ins 4,100 km apart within 7 minutes", [first]
    )
    b.finding("Mass download from SharePoint", "low", "collection", ["T1213.002"], "240 files downloaded", [second])
    assessment = Assessment(
        f"{who[5:]} signed in from two places that are too far apart and downloaded 240 files.",
        (
            Sentence(f"{who[5:]} signed in from 192.0.2.{number % 250 + 1}.", (first,)),
            Sentence("Then 240 files were downloaded.", (second,)),
        ),
        (
            Hypothesis("Virtual private network", 1 - risk, "The second address belongs to a provider."),
            Hypothesis("Stolen session", risk, "Both sessions were active at once."),
        ),
        ("Ask whether a private VPN was used.",),
    )
    links = (
        (f"address:192.0.2.{number % 250 + 1}", who, "signed in", 1),
        (who, "resource:sharepoint/Sales", "downloaded", 240),
    )
    return b.case(
        title, level, Risk(risk, (Term("Travel", risk, "Too fast for an aeroplane"),)), links, assessment
    ), b.evidence


def sample_model(extra_cases: int = 0) -> ReportModel:
    """The whole model, with more small cases on request."""
    made = [
        takeover(),
        precursors(),
        small(1, "high", 0.64, "Impossible travel and mass download by lena.fischer@example.com", 780),
        small(2, "medium", 0.31, "Impossible travel by omar.haddad@example.com", 420),
        small(3, "medium", 0.22, "Impossible travel by j.okafor@example.com", 1020),
        small(4, "low", 0.08, "Download by mei.tanaka@example.com", 200),
        small(5, "informational", 0.004, "Automation account used from a new network", 1300),
        *(
            small(10 + n, ("low", "medium", "high")[n % 3], 0.6 - n / 600, f"Impossible travel, variant {n}", n * 4)
            for n in range(extra_cases)
        ),
    ]
    cases = tuple(case for case, _ in made)
    evidence = {uid: event for _, events in made for uid, event in events.items()}
    findings = [finding for case in cases for finding in case.findings]
    rng = random.Random(11)  # noqa: S311 - sample data
    quiet = Counter(
        {
            START + hour * HOUR: int(180 + 420 * max(0, 1 - abs(hour % 24 - 13) / 8) + rng.randrange(90))
            for hour in range(-24, 30)
        }
    )
    events = sum(quiet.values())
    return ReportModel(
        run=Run(
            paths=(
                "logs/okta",
                "logs/m365",
                "logs/aws",
                "logs/windows/fin-ws-017-security.evtx",
                "logs/windows/dc01.zip",
            ),
            events=events,
            sources=(
                SourceCount(AWS, events // 2),
                SourceCount(WINDOWS, events // 4),
                SourceCount(OKTA, events // 8),
                SourceCount(M365, events - events // 2 - events // 4 - events // 8),
            ),
            findings=len(findings) + 41,
            rules=3691,
            written_at=START + 50 * HOUR,
            seconds=12.84,
            first=START - 24 * HOUR + 1234,
            last=START + 30 * HOUR - 4321,
            version="0.1.0",
            out="./out",
            public_key="out/key.pub",
        ),
        cases=cases,
        evidence=evidence,
        packs={case.uid: Pack(f"{case.uid}.zip", hashlib.sha256(case.uid.encode()).hexdigest()) for case in cases},
        techniques=known_techniques(technique for finding in findings for technique in finding.rule.techniques),
        load_failures=(
            LoadFailure("rules/windows/proc_creation_x.yml", "correlation rules are not supported yet"),
            LoadFailure("rules/windows/proc_creation_y.yml", "correlation rules are not supported yet"),
            LoadFailure("rules/local/broken.yml:14", "mapping values are not allowed here"),
        ),
        dead_letters=(
            DeadLetterCount(
                "logs/okta/system-2025-03-12.ndjson", "ingest", "not JSON: unexpected end of data", 3, 8812
            ),
            DeadLetterCount("logs/m365/audit-2025-03-12.csv.gz", "normalize", "AuditData is not a JSON object", 2, 77),
        ),
        activity=hourly(quiet, findings),
    )
