"""The evidence pack of a case: one zip that an auditor can check with no help from us.

It holds the case with its timeline (``case.json``), the findings, every event with its raw bytes, the assessment, the
decisions, the case's records of the chain with their proofs, a script that checks all of it, and a signed manifest of
hashes. The same input gives the same bytes: members are sorted and carry the time of the case.
"""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import IO, Any

import msgspec
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watchfloor.case import Case
from watchfloor.clock import iso
from watchfloor.errors import GateError, storing
from watchfloor.evidence.chain import Chain
from watchfloor.evidence.events import EventLines, RawEvent
from watchfloor.evidence.journal import sync_folder
from watchfloor.evidence.recording import DECISION, assessment_body, record_case
from watchfloor.evidence.verify import FORMAT, MAX_CONTENT, MAX_DOCUMENT, head_message


class PackedFile(msgspec.Struct, frozen=True):
    """A file of a pack as its manifest lists it: name, SHA-256 in hex, size in bytes."""

    path: str
    sha256: str
    size: int


class PackInfo(msgspec.Struct, frozen=True):
    """What was written: where, how much, and the digest of the manifest, which stands for all of it."""

    path: Path
    size: int
    events: int
    records: int
    manifest_sha256: str
    files: tuple[PackedFile, ...]


def write_pack(
    path: Path,
    case: Case,
    events: Iterable[RawEvent],
    *,
    chain: Chain,
    key: Ed25519PrivateKey,
    now_ms: int,
    version: str,
) -> PackInfo:
    """Write the evidence pack of a case to ``path``, whole or not at all.

    The case's assessment and decisions are appended to ``chain`` where it lacks them. The events may come in any order,
    and are never all in memory.

    Args:
        path: The zip to write; an old one is replaced.
        case: The case.
        events: At least the events that the case cites.
        chain: The chain of the data folder.
        key: The data folder's signing key.
        now_ms: When the pack is written (ms, UTC).
        version: The version of Watchfloor that the manifest names.

    Raises:
        GateError: The case cites an event that is not there, holds what JSON cannot, or is too large to be checked.
        StoreError: The file cannot be written.
    """
    with storing(path), EventLines(path.parent) as lines:
        lines.add(events)
        _require_cited(case, lines.uids)
        record_case(chain, case, at=now_ms)
        with (
            _replacing(path) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=False) as archive,
        ):
            writer = _Writer(archive, case.end)
            for name, chunks in sorted(_contents(case, lines, chain, now_ms).items()):
                writer.add(name, chunks)
            files = tuple(writer.files)
            manifest = _manifest(case, files, chain, key, now_ms=now_ms, version=version)
            writer.add("manifest.json", [manifest])
            writer.add("manifest.sig", [key.sign(manifest)])
        return PackInfo(
            path=path,
            size=path.stat().st_size,
            events=len(lines),
            records=len(chain.about(case.tenant, case.uid)),
            manifest_sha256=hashlib.sha256(manifest).hexdigest(),
            files=files,
        )


def cited_uids(case: Case) -> frozenset[str]:
    """The uids of all events that a case cites: in findings, timeline and assessment."""
    cited = {uid for finding in case.findings for uid in finding.event_uids}
    cited.update(uid for entry in case.timeline for uid in entry.event_uids)
    if case.assessment is not None:
        cited.update(uid for sentence in case.assessment.sentences for uid in sentence.cites)
    return frozenset(cited)


def _require_cited(case: Case, present: set[str]) -> None:
    if lost := sorted(cited_uids(case) - present):
        raise GateError(f"evidence: case {case.uid!a} cites {len(lost)} events that were not given, first {lost[0]!a}")


def _contents(case: Case, lines: EventLines, chain: Chain, now: int) -> dict[str, Iterable[bytes]]:
    script = resources.files("watchfloor.evidence").joinpath("verify.py").read_bytes()
    return {
        "assessment.json": [_document(assessment_body(case))],
        "case.json": [_document(case.to_ocsf(now=now))],
        "chain.json": [_document(_chain(case, chain))],
        "decisions.ndjson": _decisions(case, chain),
        "events.ndjson": lines,
        "findings.ndjson": (_line(finding.to_ocsf(now=now)) for finding in case.findings),
        "verify.py": [script],
    }


def _chain(case: Case, chain: Chain) -> dict[str, Any]:
    records = chain.about(case.tenant, case.uid)
    entries = [{"record": msgspec.structs.asdict(record), "proof": chain.proof(record.seq)} for record in records]
    return {"size": len(chain), "root": chain.root(), "records": entries}


def _decisions(case: Case, chain: Chain) -> Iterator[bytes]:
    for record in chain.about(case.tenant, case.uid):
        if record.kind == DECISION:
            yield _line({"seq": record.seq, "at": record.at, **record.body})


def _manifest(
    case: Case, files: Iterable[PackedFile], chain: Chain, key: Ed25519PrivateKey, *, now_ms: int, version: str
) -> bytes:
    root = chain.root()
    head_signature = key.sign(head_message(len(chain), root))
    return _document(
        {
            "format": FORMAT,
            "case": case.uid,
            "tenant": case.tenant,
            "created": iso(now_ms),
            "version": version,
            "signer": {"algorithm": "Ed25519", "public_key": key.public_key().public_bytes_raw().hex()},
            "chain": {"size": len(chain), "root": root, "signature": head_signature.hex()},
            "files": msgspec.to_builtins(files),
        }
    )


def _document(value: object) -> bytes:
    data = _json(value, orjson.OPT_INDENT_2)
    if len(data) > MAX_DOCUMENT:
        raise GateError(f"evidence: a document of {len(data)} bytes; a pack holds at most {MAX_DOCUMENT}")
    return data


def _line(value: object) -> bytes:
    return _json(value, 0)


def _json(value: object, option: int) -> bytes:
    try:
        return orjson.dumps(value, option=option | orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError as error:
        raise GateError(f"evidence: the case cannot be written as JSON: {error}") from error


class _Writer:
    """Adds members to a zip as a stream: no extra fields, no data descriptors, one fixed time."""

    def __init__(self, archive: zipfile.ZipFile, time: int) -> None:
        # A zip cannot tell times before 1980 or after 2107.
        moment = datetime.fromtimestamp(min(max(time, 315_532_800_000), 4_354_819_198_000) / 1000, UTC)
        self._time = moment.timetuple()[:6]
        self._zip = archive
        self._total = 0
        self.files: list[PackedFile] = []

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        info = zipfile.ZipInfo(name, self._time)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.create_system = 3
        info.external_attr = 0o100644 << 16
        digest, size = hashlib.sha256(), 0
        with self._zip.open(info, "w") as member:
            for chunk in chunks:
                self._total += len(chunk)
                if self._total > MAX_CONTENT:
                    raise GateError(f"evidence: the pack would unpack to more than {MAX_CONTENT} bytes; split the case")
                member.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        self.files.append(PackedFile(name, digest.hexdigest(), size))


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of ``path`` once it is whole and on disk."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(handle)
        draft.replace(path)
        sync_folder(path.parent)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
