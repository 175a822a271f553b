"""The words that a sentence may have without an event to prove them: closed lists, in lower case."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OURS = _words("""
    a account acted action an and application are at between bucket called carries carry case changed connected
    created deleted disabled enabled ended event events factor failed file from give group handled host in
    injected into is job last least loaded log looked mail mailbox module more name names of on one opened port
    program ran read refused registry remote renamed role scheduled script second secret sign signed site somebody
    sources started step steps such team the these this timeline to token touched trail until up utc was with
""")
"""The words of the narrative's own templates."""

FUNCTION = _words("""
    a about above across after again all along already also amid among an and another any are around as at away be
    because been before began begin beginning behind being below between both but by came come comes down during
    each either else elsewhere ends ever every first followed following for from further had has have having he
    her here hers him his how if in into is it its itself just last later least less like many more most much near
    next now of off often on only onto or other others our out over own rather same second she should since some
    soon still such than that the their them then there these they this those through thus to together too toward
    towards under until up upon via was we were what when where whether which while who whom whose why with within
    would yet you your
""")
"""English function words. "May", "will" and "per" are not among them: they are names, too."""

TRADE = _words("""
    access accesses account accounts added address addresses administrator administrators app application
    applications approval approvals approve approved asked attempt attempted attempts average backup backups
    browser bucket buckets bulk call called calls changed cloud cluster command commands company computer
    computers connection connections consent consented contained countries country created credential credentials
    day days deleted deletion device devices different directory dns document documents domain domains download
    downloaded downloads email end enrolled entry event events exactly failed failure failures file files finding
    findings folder folders gave got group groups host hosts hour hours identity internet journey key keys km km/h
    list listed location log logged login logins logon logons logs machine made mail mailbox mailboxes mails
    matched median member members memory message messages mfa minute minutes module mount name names namespace
    namespaces network networks new number object objects old opened operation operations order page password
    passwords people percentile permission permissions person persons phone place places policy port ports
    privilege privileges process processes product program programs prompt prompts proxy push put question
    questions read record records refused registry rejected removed request requests reset resource resources
    result results right rights role roles rule rules run script scripts seconds secret secrets sent server
    servers service services session sessions share shares sign sign-in sign-ins snapshot snapshots source sources
    started step steps stopped succeeded success successful system systems task tasks then ticket tickets time
    times token tokens took turned unknown used user users uses utc value values version vpn way week weeks
    windows word words written wrong wrote year years
""")
"""Nouns of logs, and verbs with which detections report."""

NEGATIONS = _words("""
    barely cannot except false hardly lack lacking lacks neither never no nobody none nor not nothing nowhere
    scarcely unless untrue without
""")

_COUNTED = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty
"""
NUMBERS = {word: str(number) for number, word in enumerate(_COUNTED.split())} | {
    "once": "1",
    "single": "1",
    "twice": "2",
    "dozen": "12",
    "hundred": "100",
    "thousand": "1000",
}
"""Number words, and the number that an event has to prove for each."""
