r"""Files encrypted: one process gives many documents another ending, or leaves the same note in many folders.

Encryption itself is not in any log, but its traces are: ``plan.docx`` comes back as ``plan.docx.locked``, and a text
file that tells how to pay appears beside it. Endings that honest programs append (temporary files, archives, backups,
signatures) do not count.

Source: https://attack.mitre.org/techniques/T1486/
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import both, bursts, either, length, matching, name_of, one_of, shown
from watchfloor.session import Judgement, Row, Sessions

FILE_ACTIVITY = 1001
CREATE, UPDATE, RENAME = 1, 3, 5
FILES, NOTES = 100, 20
"""Documents that got the same new ending, and folders that got the same note."""
WINDOW = timedelta(minutes=5)

_DOCUMENTS = (
    r"docx?|docm|xlsx?|xlsm|xlsb|pptx?|pdf|odt|ods|rtf|txt|csv|jpe?g|png|tiff?|bmp|mp[34]|mov|dwg|dxf|psd|indd|ai|"
    r"zip|rar|7z|bak|sql|mdf|ldf|mdb|accdb|pst|ost|eml|msg|vhdx?|vmdk|vbk|vib|qbw|xml|json|kdbx|pem|pfx"
)
_APPENDED = rf"(?i)\.({_DOCUMENTS})\.[^\\/]{{2,80}}$"
_NOTE = (
    r"(?i)[\\/][^\\/]*(decrypt|restore|recover|ransom|unlock|how[ _-]?to|read[ _-]?me|your[ _-]?files|instruction)"
    r"[^\\/]*\.(txt|html?|hta|rtf|png|bmp)$"
)
_TEXT_OF_NOTE = re.compile(r"(?i)(decrypt|restore|recover|ransom|unlock|how[ _-]?to|your[ _-]?files)")
_HONEST = re.compile(
    rf"(?i)\.({_DOCUMENTS}|te?mp|old|orig|part|partial|crdownload|download|filepart|lnk|gz|xz|zst|bz2|cab|lz4|pgp|gpg|"
    r"asc|p7[ms]|sig|pfile|ppdf|sha\d*|md5|log|html?|url|ini|db|dat|meta|metadata|swp|copy|new|backup|thumb|webp|"
    r"identifier|~\w*|\d+)$"
)

_RUNBOOK = """\
Isolate the computer, and the file server that its files lie on: encryption runs.
Stop the process; do not restart the computer, its memory may hold the key.
Which account does it run under? Disable it, and look for the same program on other computers.
Check that the backups are out of reach, before anything is restored.
"""
ENCRYPTED = Rule(
    id="54ca45a8-db09-4c3c-a2a1-42afbfe86d03",
    title="Documents are being encrypted",
    level="critical",
    description="One program gives the same unknown ending to a great many documents within minutes.",
    use_case="ransomware_precursors",
    tactics=("impact",),
    techniques=("T1486",),
    false_positives=("A product of the company's own that encrypts or marks documents with an ending of its own.",),
    runbook=_RUNBOOK,
    decisive=True,
)
NOTED = Rule(
    id="9aa21d0f-ec1c-4b80-8cc7-94a003aca8ac",
    title="The same note on how to get files back appears in many folders",
    level="critical",
    description="Ransomware leaves a note in each folder that it has encrypted.",
    use_case="ransomware_precursors",
    tactics=("impact",),
    techniques=("T1486",),
    false_positives=("An installer that writes the same instructions into many folders.",),
    runbook=_RUNBOOK,
    decisive=True,
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Per process: bursts of documents with the same unknown ending, and of notes of the same name."""
    renamed: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    noted: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        folder, _, name = str(row["file.path"]).replace("/", "\\").rpartition("\\")
        if _TEXT_OF_NOTE.search(name) and re.search(_NOTE, f"\\{name}"):
            noted[_program(row), name.lower()].append({**row, "folder": folder.lower()})
        elif not _HONEST.search(name) and re.search(_APPENDED, name):
            renamed[_program(row), name.rpartition(".")[2].lower()].append(row)
    for (program, ending), group in renamed.items():
        for burst in bursts(group, least=FILES, span=WINDOW, of=lambda row: row["file.path"]):
            yield _encrypted(program, ending, burst)
    for (program, name), group in noted.items():
        for burst in bursts(group, least=NOTES, span=WINDOW, of=lambda row: row["folder"]):
            yield _noted(program, name, burst)


def _program(row: Row) -> str:
    """The process: its own id where Sysmon gives one, else its file."""
    return row["actor.process.uid"] or row["actor.process.file.path"] or ""


def _told(row: Row) -> str:
    return shown(row["actor.process.file.path"] or "a program")


def _encrypted(program: str, ending: str, burst: Sequence[Row]) -> Judgement:
    count = len({row["file.path"] for row in burst})
    return Judgement(
        rule=ENCRYPTED,
        summary=f"On {name_of(burst[0]['entity.host'])}, {_told(burst[0])} wrote {count} documents that now end in "
        f".{shown(ending)} within {length(burst)}.",
        rows=burst,
        terms=(Term("documents", count, f"{count} documents got the same new ending."),),
        bucket=f"ending:{program}:{ending}",
        since=burst[0]["time"],
    )


def _noted(program: str, name: str, burst: Sequence[Row]) -> Judgement:
    count = len({row["folder"] for row in burst})
    return Judgement(
        rule=NOTED,
        summary=f"On {name_of(burst[0]['entity.host'])}, {_told(burst[0])} wrote {shown(name)} into {count} folders "
        f"within {length(burst)}.",
        rows=burst,
        terms=(Term("folders", count, f"{count} folders got the same note."),),
        bucket=f"note:{program}:{name}",
        since=burst[0]["time"],
    )


DETECTORS = (
    Sessions(
        name="win_files_encrypted",
        key="entity.host",
        gap=WINDOW,
        columns=("file.path", "actor.process.uid", "actor.process.file.path"),
        select=both(
            one_of("class_uid", (FILE_ACTIVITY,)),
            one_of("activity_id", (CREATE, UPDATE, RENAME)),
            either(matching("file.path", _APPENDED), matching("file.path", _NOTE)),
        ),
        judge=judge,
    ),
)
