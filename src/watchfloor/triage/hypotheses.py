"""What a case could be, how sure, and what to check next. Probabilities follow the case's risk, not a model."""

import msgspec

from watchfloor.case import TACTICS, Case, Hypothesis
from watchfloor.triage.evidence import short

MAX_HEADLINE = 300
_ACCOUNT_USE_CASES = frozenset({"login_risk", "impossible_travel", "mfa_fatigue", "phishing", "oauth_grants"})

_CHECKS = {
    "login_risk": "Ask the user, over a channel other than mail, whether they signed in from this place and device.",
    "impossible_travel": "Ask the user about travel and VPN; compare device and browser of both sign-ins.",
    "mfa_fatigue": "Ask the user whether they approved the push; list the factors enrolled since, remove unknown ones.",
    "privilege_escalation": "Find the change ticket for the new rights; list what was done with them since.",
    "data_exfiltration": "List what was read and by whom it may be needed; look for copies outside the company.",
    "ransomware_precursors": "Check backups and snapshots of the host now; look for the same binaries on other hosts.",
    "oauth_grants": "Look up the app's publisher and scopes; list every user who consented and what the app read.",
    "phishing": "Find the mail that started this and everybody else who received it.",
    "insider_threat": "Compare with the user's role and notice period; involve personnel and legal before contact.",
    "credential_access": "Treat every account that was logged on to the host as exposed; plan their resets.",
}


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
        _made("intrusion", scale * (share["stolen"] + 0.3), outside, case),
        _made("insider", scale * share["insider"], "The account's owner misuses rights of their own.", case),
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


def _made(name: str, probability: float, words: str, case: Case) -> Hypothesis:
    order = [tactic for tactic in TACTICS if tactic in case.tactics]
    supports = tuple(f"{tactic.replace('-', ' ')} was seen" for tactic in order[:6])
    return Hypothesis(name, probability, words, supports)


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
    """What to look at next, the most telling first."""
    found = []
    for finding in case.findings:
        if finding.rule.use_case in _CHECKS:
            found.append(_CHECKS[finding.rule.use_case])
        if finding.rule.runbook and (first := finding.rule.runbook.strip()):
            found.append(short(first.splitlines()[0], MAX_HEADLINE))
    if "credential-access" in case.tactics:
        found.append(_CHECKS["credential_access"])
    if not found:
        found.append("Ask the owner of the account or host whether this was their work, and find the change ticket.")
    return tuple(dict.fromkeys(found))[:6]
