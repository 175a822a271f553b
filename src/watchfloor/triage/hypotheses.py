"""What a case could be, how sure, and what to check next. Probabilities follow the case's risk, not a model."""

import msgspec

from watchfloor.case import TACTICS, Case, Hypothesis
from watchfloor.finding import LEVELS
from watchfloor.triage.evidence import short

MAX_HEADLINE = 300
_ACCOUNT_USE_CASES = frozenset({"login_risk", "impossible_travel", "mfa_fatigue", "phishing", "oauth_grants"})

_CHECKS = {
    "login_risk": "Ask the person, by telephone or in person, whether they signed in from this place and device.",
    "impossible_travel": "Ask the person about journeys and a VPN; compare device and browser of both sign-ins.",
    "mfa_fatigue": "Ask the person whether they approved the push; remove login factors that they do not know.",
    "privilege_escalation": "Find the request for the new rights; list what was done with them since.",
    "data_exfiltration": "List what was read and who needs it; look for copies outside the company.",
    "ransomware_precursors": "Check the host's backups and snapshots now; look for the same programs on other hosts.",
    "oauth_grants": "Look up who publishes the application and what it may do; list who consented and what it read.",
    "phishing": "Find the mail that started this, and everybody else who received it.",
    "insider_threat": "Compare with the person's duties; involve personnel and legal before you ask them.",
}
_EXPOSED = "Treat every account that was logged on to the host as exposed, and plan to reset their passwords."
_ANY = "Ask the owner of the account or host whether this was their work, and find the request for it."
MAX_CHECKS = 6


def headline(case: Case) -> str:
    """One line: how likely, what, how far it got."""
    sure = next(words for floor, words in _SURE if case.risk.value >= floor)
    kinds = len({finding.rule.id for finding in case.findings if finding.rule.level != "informational"})
    more = (
        ""
        if kinds < 2
        else ", with one more kind of finding"
        if kinds == 2
        else f", with {kinds - 1} more kinds of finding"
    )
    reached = case.tactics[-1].replace("-", " ") if len(case.tactics) > 1 else None
    return f"{sure}: {short(case.title, MAX_HEADLINE)}{more}." + (f" It reached {reached}." if reached else "")


_SURE = (
    (0.9, "Very likely an attack"),
    (0.6, "Likely an attack"),
    (0.25, "Possibly an attack"),
    (0.0, "Weak signs of an attack"),
)


def hypotheses(case: Case) -> tuple[Hypothesis, ...]:
    """Explanations by falling probability; together they have probability one."""
    attack = case.risk.value
    use_cases = {finding.rule.use_case for finding in case.findings}
    stolen = bool(use_cases & _ACCOUNT_USE_CASES) or "initial-access" in case.tactics
    insider = "insider_threat" in use_cases or ("data_exfiltration" in use_cases and not stolen)
    share = {"stolen": 0.8 if stolen else 0.3, "insider": 0.4 if insider else 0.1}
    scale = attack / (share["stolen"] + share["insider"] + 0.3)
    outside = (
        "An outsider acts with a stolen or tricked account." if stolen else "An outsider controls an account or host."
    )
    found = [
        Hypothesis("intrusion", scale * (share["stolen"] + 0.3), outside, _seen(case)),
        Hypothesis(
            "insider", scale * share["insider"], "The account's owner misuses rights of their own.", _seen(case)
        ),
        Hypothesis("authorised work", 0.65 * (1 - attack), _benign(case)),
        Hypothesis(
            "wrong detection", 0.35 * (1 - attack), "The rules match something that is not what they are about."
        ),
    ]
    return _rounded(found)


def _rounded(found: list[Hypothesis]) -> tuple[Hypothesis, ...]:
    """The hypotheses by falling probability, in whole thousandths that still make one."""
    shares = {one.name: round(one.probability * 1000) for one in found}
    likeliest = max(found, key=lambda one: one.probability).name
    shares[likeliest] += 1000 - sum(shares.values())
    whole = (msgspec.structs.replace(one, probability=shares[one.name] / 1000) for one in found)
    return tuple(sorted(whole, key=lambda one: -one.probability))


def _seen(case: Case) -> tuple[str, ...]:
    """What speaks for an attack: how far it would have got."""
    tactics = [tactic.replace("-", " ") for tactic in TACTICS if tactic in case.tactics]
    if len(tactics) > 1:
        return (f"{len(tactics)} tactics were seen, from {tactics[0]} to {tactics[-1]}",)
    return tuple(f"{tactic} was seen" for tactic in tactics)


def _benign(case: Case) -> str:
    reasons = list(
        dict.fromkeys(text.rstrip(".") for finding in case.findings for text in finding.rule.false_positives)
    )
    known = [
        reason for reason in reasons if reason.lower() not in {"unknown", "unlikely", "none", "legitimate activity"}
    ]
    if not known:
        return "Administrators, tests or tools do the same on purpose."
    return f"Known harmless causes of these findings: {'; '.join(short(reason) for reason in known[:3])}."


def checks(case: Case) -> tuple[str, ...]:
    """What to look at next, the gravest finding first: how its runbook begins, else what its use case asks for.

    Each use case has its say before one has a second; of runbooks that begin with the same words, the first is told.
    """
    firsts: dict[str, str] = {}
    others: list[str] = []
    for finding in sorted(case.findings, key=lambda one: (-LEVELS.index(one.rule.level), not one.rule.decisive)):
        about = finding.rule.use_case or ""
        if told := _begins(finding.rule.runbook or "") or _CHECKS.get(about):
            others.append(told)
            firsts.setdefault(about, told)
    advice: dict[str, str] = {}
    for told in (*firsts.values(), *others):
        advice.setdefault(" ".join(told.split()[:3]).strip(",.:"), told)
    if "credential-access" in case.tactics and any(entity.type == "host" for entity in case.entities):
        return (*list(advice.values())[: MAX_CHECKS - 1], _EXPOSED)
    return tuple(advice.values())[:MAX_CHECKS] or (_ANY,)


def _begins(runbook: str) -> str:
    """The first lines of a runbook, up to the end of a sentence."""
    told: list[str] = []
    for line in runbook.strip().splitlines():
        told.append(line.strip())
        if not line.strip() or line.rstrip().endswith((".", "?", "!", ":")):
            break
    return short(" ".join(told), MAX_HEADLINE)
