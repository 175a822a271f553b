"""Check a Watchfloor evidence pack without Watchfloor.

    python3 verify.py PACK.zip --key evidence.pub

PACK is the zip, or the folder it was unpacked to (default: the folder of this script). Python 3.9 or later is enough;
the Ed25519 signature is checked where the package ``cryptography`` is installed (openssl checks it too, see OPENSSL).
Nothing is ever written or executed.

Four questions are answered, in this order:

1. files      Is each file the one that manifest.json lists, by size and SHA-256, and is no other file there?
2. signature  Did the owner of the key sign manifest.json (manifest.sig: 64 bytes, Ed25519 over the file's bytes)?
3. chain      Does each record of chain.json hash to what it says, continue its predecessor, and belong to the Merkle
              tree (RFC 6962) whose root is signed in manifest.json?
4. contents   Is each event that the case cites in events.ndjson with its exact raw bytes, and are assessment.json and
              decisions.ndjson what the chain recorded?

Exit status: 0 all of it holds for the key given; 1 it does not, or no key was given; 2 nothing to check was found.
A pack brings its own copy of this script. Whoever could alter a pack could alter that copy too: use one that you trust.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import io
import json
import os
import re
import stat
import struct
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import IO, Any, NamedTuple

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None  # type: ignore[assignment, misc]

FORMAT = "watchfloor-evidence/1"
CONTENT = (
    "assessment.json",
    "case.json",
    "chain.json",
    "decisions.ndjson",
    "events.ndjson",
    "findings.ndjson",
    "verify.py",
)
MAX_CONTENT = (2 << 30) - 1  # bytes that all files may unpack to
MAX_DOCUMENT = 64 << 20  # bytes of one JSON document, or of one line of .ndjson
MAX_FILES = 64
NAME = re.compile(r"[a-z0-9_]{1,64}(\.[a-z0-9]{1,16}){1,2}")  # lower case and flat: no path, no look-alike
HEX32 = re.compile(r"[0-9a-f]{64}")
HEX64 = re.compile(r"[0-9a-f]{128}")
UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, UnicodeError)
GENESIS = "0" * 64
OPENSSL = "openssl pkeyutl -verify -pubin -inkey evidence.pub -rawin -in manifest.json -sigfile manifest.sig"


class Damaged(Exception):  # noqa: N818 - the pack is at fault, not the program
    """What was read is not what a pack holds; the message says where and why."""


class FileCheck(NamedTuple):
    """One file: its name, ``ok``, ``altered``, ``missing``, ``unexpected`` or ``unchecked``, and why."""

    path: str
    status: str
    words: str = ""


class Check(NamedTuple):
    """The answer to one question: ``ok``, or what else, and the words for it."""

    status: str
    words: str


NOT_REACHED = Check("unchecked", "not checked: manifest.json could not be read")


@dataclass
class Report:
    """Everything that was found out about a pack. ``container`` is empty if the pack as such could be read."""

    source: str
    container: str = ""
    files: list[FileCheck] = field(default_factory=list)
    signature: Check = NOT_REACHED
    chain: Check = NOT_REACHED
    contents: Check = NOT_REACHED

    @property
    def intact(self) -> bool:
        """Whether the pack is consistent with itself, whoever signed it."""
        unsound = self.container or any(one.status != "ok" for one in self.files) or not self.files
        return not unsound and self.chain.status == "ok" and self.contents.status == "ok"

    @property
    def verified(self) -> bool:
        """Whether the pack is consistent with itself and signed with the key that was given."""
        return self.intact and self.signature.status == "ok"

    @property
    def exit_status(self) -> int:
        """0 if verified, else 1."""
        return 0 if self.verified else 1

    def lines(self) -> list[str]:
        """The report for people; the last line is the verdict."""
        if self.container:
            return [f"NOT VERIFIED: {self.source}: {self.container}"]
        width = max((len(one.path) for one in self.files), default=0)
        out = [f"{one.status:<10}  {one.path:<{width}}  {one.words}".rstrip() for one in self.files]
        for name in ("signature", "chain", "contents"):
            check: Check = getattr(self, name)
            out.append(f"{name:<10}  {check.status}: {check.words}")
        return [*out, self._verdict()]

    def _verdict(self) -> str:
        if self.verified:
            return f"VERIFIED: {self.source}: all files match, signed with the key given"
        bad = [f"{one.path} {one.status}" for one in self.files if one.status != "ok"]
        for name in ("signature", "chain", "contents"):
            status = getattr(self, name).status
            bad += [f"{name} {status}"] if status not in {"ok", "signer unknown"} else []
        if self.signature.status == "signer unknown":
            bad.append("signer unknown" if bad else "intact, but signer unknown (no key was given)")
        return f"NOT VERIFIED: {self.source}: {', '.join(bad)}"


def verify(path: str | os.PathLike[str], key: bytes | None = None) -> Report:
    """Check a pack.

    Args:
        path: The zip or the unpacked folder.
        key: The 32 bytes of the public key that must have signed it; ``None``: any signer, who is then unknown.

    Raises:
        OSError: ``path`` does not exist or cannot be read.
    """
    report = Report(os.fspath(path))
    try:
        with open_pack(path) as pack:
            _check(pack, key, report)
    except Damaged as error:
        report.container = str(error)
    return report


def _check(pack: Pack, key: bytes | None, report: Report) -> None:
    try:
        manifest = read_manifest(pack)
    except (Damaged, RecursionError) as error:
        status = "altered" if "manifest.json" in pack.sizes else "missing"
        report.files = _one_each([FileCheck("manifest.json", status, _reason(error)), *pack.odd])
        return
    report.signature = check_signature(pack, manifest, key)
    report.files = _one_each([*check_files(pack, manifest), *manifest_files(pack, report.signature), *pack.odd])
    try:
        records, report.chain = check_chain(pack, manifest)
        report.contents = check_contents(pack, manifest, records)
    except (Damaged, RecursionError, UnicodeError) as error:
        broken = Check("broken", _reason(error))
        if report.chain is NOT_REACHED:
            report.chain, report.contents = broken, Check("unchecked", "not checked: the chain is broken")
        else:
            report.contents = broken


def _one_each(files: list[FileCheck]) -> list[FileCheck]:
    return sorted({one.path: one for one in files}.values())


def _reason(error: BaseException) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


# ---- the container: a zip or a folder -------------------------------------------------------------------------------


class Pack:
    """The files of a pack, read in blocks; ``odd`` are members that no pack has, and that are not opened."""

    def __init__(self, sizes: dict[str, int], odd: list[FileCheck], opener: Callable[[str], IO[bytes]]) -> None:
        if sum(sizes.values()) > MAX_CONTENT:
            raise Damaged(f"its files would unpack to {sum(sizes.values())} bytes; a pack has at most {MAX_CONTENT}")
        self.sizes = sizes
        self.odd = odd
        self._opener = opener

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A file of the pack, for reading; whatever is wrong inside raises :class:`Damaged`."""
        if name not in self.sizes:
            raise Damaged(f"{name} is missing")
        try:
            with self._opener(name) as file:
                yield file
        except UNREADABLE as error:
            raise Damaged(f"{name} cannot be unpacked ({_brief(error)})") from error

    def digest(self, name: str) -> tuple[str, int]:
        """SHA-256 (hex) and size of a file."""
        digest, size = hashlib.sha256(), 0
        with self.open(name) as file:
            while block := file.read(1 << 20):
                digest.update(block)
                size += len(block)
        return digest.hexdigest(), size

    def document(self, name: str, limit: int = MAX_DOCUMENT) -> bytes:
        """The whole of a small file."""
        with self.open(name) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise Damaged(f"{name} is larger than {limit} bytes")
        return data

    def lines(self, name: str) -> Iterator[tuple[str, Any]]:
        """The JSON value of each line of an .ndjson file, with the words for its place."""
        with self.open(name) as file, io.BufferedReader(file, 1 << 16) as reader:  # type: ignore[type-var]
            number = 0
            while line := reader.readline(MAX_DOCUMENT + 1):
                number += 1
                place = f"{name} line {number}"
                if len(line) > MAX_DOCUMENT:
                    raise Damaged(f"{place} is longer than {MAX_DOCUMENT} bytes")
                yield place, load_json(line, place)


@contextmanager
def open_pack(path: str | os.PathLike[str]) -> Iterator[Pack]:
    """The pack at ``path``: a zip file or a folder."""
    mode = os.stat(path).st_mode  # noqa: PTH116
    if stat.S_ISDIR(mode):
        yield _folder(path)
    elif stat.S_ISREG(mode):
        with open(path, "rb") as file:  # noqa: PTH123
            infos, archive = _open_zip(file)
            with archive:
                plain, odd = _plain_members(infos)
                sizes = {name: info.file_size for name, info in plain.items()}
                yield Pack(sizes, odd, lambda name: archive.open(plain[name]))
    else:
        raise Damaged("neither a file nor a folder")


def _brief(error: Exception) -> str:
    return ascii(str(error))[1:200].strip("'")


def _folder(path: str | os.PathLike[str]) -> Pack:
    sizes: dict[str, int] = {}
    odd: list[FileCheck] = []
    with os.scandir(path) as entries:
        for entry in entries:
            if len(sizes) + len(odd) >= MAX_FILES:
                raise Damaged(f"more than {MAX_FILES} files; a pack has {len(CONTENT) + 2}")
            if not NAME.fullmatch(entry.name):
                odd.append(FileCheck(shown(entry.name), "unexpected", "not a name that a pack uses"))
            elif not entry.is_file(follow_symlinks=False):
                odd.append(FileCheck(entry.name, "unexpected", "not a regular file"))
            else:
                sizes[entry.name] = entry.stat(follow_symlinks=False).st_size
    return Pack(sizes, odd, lambda name: open(os.path.join(path, name), "rb"))  # noqa: PTH118, PTH123


def _open_zip(file: IO[bytes]) -> tuple[list[zipfile.ZipInfo], zipfile.ZipFile]:
    """The members of a zip, once its layout is sound: every byte of the file belongs to one member or to the index."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 42))
    tail = file.read()
    end = struct.unpack("<4s4H2LH", tail[-22:]) if size >= 22 else (b"",)
    if end[0] != b"PK\5\6" or end[7] != 0:
        raise Damaged("not a zip file, or bytes were cut from its end or added to it")
    _, _, _, _, count, index_size, index_start, _ = end
    if tail[:4] == b"PK\6\7" or count > MAX_FILES or index_size > 1 << 16:
        raise Damaged(f"its index is too large; a pack has {len(CONTENT) + 2} files")
    if index_start + index_size + 22 != size:
        raise Damaged("bytes were cut from the zip file or added to it")
    try:
        archive = zipfile.ZipFile(file)
        infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
        _require_gapless(file, infos, index_start)
    except UNREADABLE as error:
        raise Damaged(f"not a sound zip file ({_brief(error)})") from error
    return infos, archive


def _require_gapless(file: IO[bytes], infos: list[zipfile.ZipInfo], index_start: int) -> None:
    offset = 0
    for info in infos:
        file.seek(offset)
        header = file.read(30)
        if info.header_offset != offset or header[:4] != b"PK\3\4":
            raise Damaged(f"bytes around {shown(info.orig_filename)} belong to no file, or to two")
        name_size, extra_size = struct.unpack("<HH", header[26:30])
        if extra_size or info.extra or info.comment:
            raise Damaged(f"{shown(info.orig_filename)} carries extra data: the zip was not written by Watchfloor")
        offset += 30 + name_size + info.compress_size
    if offset != index_start:
        raise Damaged("bytes before the zip's index belong to no file")


def _plain_members(infos: list[zipfile.ZipInfo]) -> tuple[dict[str, zipfile.ZipInfo], list[FileCheck]]:
    plain: dict[str, zipfile.ZipInfo] = {}
    odd: list[FileCheck] = []
    times = Counter(info.orig_filename for info in infos)
    for info in infos:
        name = info.orig_filename
        if not NAME.fullmatch(name):
            odd.append(FileCheck(shown(name), "unexpected", "not a name that a pack uses"))
        elif times[name] > 1:
            odd.append(FileCheck(name, "unexpected", f"occurs {times[name]} times: nobody can tell which one counts"))
        elif stat.S_IFMT(info.external_attr >> 16) not in {0, stat.S_IFREG}:
            odd.append(FileCheck(name, "unexpected", "not a regular file"))
        elif info.flag_bits & 1 or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            odd.append(FileCheck(name, "unexpected", "encrypted, or compressed in a way that packs do not use"))
        else:
            plain[name] = info
    return plain, odd


# ---- 1. files -------------------------------------------------------------------------------------------------------


class Manifest(NamedTuple):
    """``manifest.json``, read: who signed, the signed head of the chain, and SHA-256 and size of each file."""

    case: str
    public_key: bytes
    chain_size: int
    chain_root: str
    head_signature: bytes
    files: dict[str, tuple[str, int]]
    data: bytes


def read_manifest(pack: Pack) -> Manifest:
    """The manifest, every field of it checked for its shape."""
    data = pack.document("manifest.json", 1 << 20)
    manifest = load_json(data, "manifest.json")
    if part(manifest, "format", str, "manifest.json") != FORMAT:
        raise Damaged(f"its format is {shown(manifest['format'])}; this script reads {FORMAT}")
    signer = part(manifest, "signer", dict, "manifest.json")
    chain = part(manifest, "chain", dict, "manifest.json")
    files: dict[str, tuple[str, int]] = {}
    for entry in part(manifest, "files", list, "manifest.json"):
        name = part(entry, "path", str, "an entry of manifest.json")
        if not NAME.fullmatch(name) or name in files or name.startswith("manifest."):
            raise Damaged(f"lists {shown(name)}: twice, or not a name that a pack uses")
        if len(files) == MAX_FILES:
            raise Damaged(f"lists more than {MAX_FILES} files")
        files[name] = (_hex(entry, "sha256", HEX32), count(entry, "size", f"the entry of {name}"))
    return Manifest(
        case=part(manifest, "case", str, "manifest.json"),
        public_key=bytes.fromhex(_hex(signer, "public_key", HEX32)),
        chain_size=count(chain, "size", "manifest.json chain"),
        chain_root=_hex(chain, "root", HEX32),
        head_signature=bytes.fromhex(_hex(chain, "signature", HEX64)),
        files=files,
        data=data,
    )


def check_files(pack: Pack, manifest: Manifest) -> list[FileCheck]:
    """Each file against the manifest; the manifest itself is judged by its signature."""
    out = []
    for name in {*CONTENT, *manifest.files, *pack.sizes} - {"manifest.json", "manifest.sig"}:
        if name not in pack.sizes:
            out.append(FileCheck(name, "missing", "not in the pack"))
        elif name not in manifest.files:
            out.append(FileCheck(name, "unexpected", "manifest.json does not list it"))
        else:
            out.append(_file(pack, name, *manifest.files[name]))
    return out


def _file(pack: Pack, name: str, sha256: str, size: int) -> FileCheck:
    try:
        found, found_size = pack.digest(name)
    except Damaged as error:
        return FileCheck(name, "altered", str(error))
    if found_size != size:
        return FileCheck(name, "altered", f"{found_size} bytes, {size} in manifest.json")
    if found != sha256:
        return FileCheck(name, "altered", f"sha256 {found[:16]}..., {sha256[:16]}... in manifest.json")
    return FileCheck(name, "ok")


# ---- 2. signature ---------------------------------------------------------------------------------------------------


def check_signature(pack: Pack, manifest: Manifest, key: bytes | None) -> Check:
    """Who signed ``manifest.json`` and, in it, the head of the chain."""
    if "manifest.sig" not in pack.sizes:
        return Check("missing", "there is no manifest.sig")
    signer = manifest.public_key
    if Ed25519PublicKey is not None:
        try:
            _require_signed(signer, manifest, pack.document("manifest.sig", 64))
        except Damaged as error:
            return Check("altered", str(error))
    if key not in {None, signer}:
        return Check("wrong key", f"signed with {signer.hex()}, not with the key given, {key.hex()}")
    if Ed25519PublicKey is None:
        return Check("unchecked", f"the Python package cryptography is not installed; {OPENSSL} checks it too")
    if key is None:
        return Check("signer unknown", f"signed with {signer.hex()}, and no key was given to compare it with")
    return Check("ok", f"signed with {signer.hex()}")


def _require_signed(signer: bytes, manifest: Manifest, signature: bytes) -> None:
    if not signed(signer, manifest.data, signature):
        raise Damaged("manifest.sig is not the signature of manifest.json: one of the two was altered")
    if not signed(signer, head_message(manifest.chain_size, manifest.chain_root), manifest.head_signature):
        raise Damaged("the head of the chain in manifest.json is not signed")


def manifest_files(pack: Pack, signature: Check) -> list[FileCheck]:
    """The two files that no manifest lists: they vouch for each other."""
    status = {"altered": "altered", "unchecked": "unchecked", "missing": "unchecked"}.get(signature.status, "ok")
    words = "" if status == "ok" else "see signature"
    sig_status = status if "manifest.sig" in pack.sizes else "missing"
    return [FileCheck("manifest.json", status, words), FileCheck("manifest.sig", sig_status, words)]


def signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is the key's Ed25519 signature of ``message``."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def head_message(size: int, root: str) -> bytes:
    """The bytes that are signed for a chain of ``size`` records with this Merkle root."""
    return f"watchfloor chain head\n{size}\n{root}\n".encode()


def read_public_key(pem: bytes) -> bytes:
    """The 32 bytes of an Ed25519 public key in PEM (SubjectPublicKeyInfo, RFC 8410).

    Raises:
        ValueError: It is something else.
    """
    match = re.search(rb"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)-----END PUBLIC KEY-----", pem)
    der = base64.b64decode(b"".join(match[1].split()), validate=True) if match else b""
    prefix = bytes.fromhex("302a300506032b6570032100")
    if not der.startswith(prefix) or len(der) != len(prefix) + 32:
        raise ValueError("not an Ed25519 public key in PEM")
    return der[len(prefix) :]


# ---- 3. chain -------------------------------------------------------------------------------------------------------


def check_chain(pack: Pack, manifest: Manifest) -> tuple[list[dict[str, Any]], Check]:
    """The records of the case, each proved; raises :class:`Damaged` at the first that is broken."""
    chain = load_json(pack.document("chain.json"), "chain.json")
    head = (count(chain, "size", "chain.json"), part(chain, "root", str, "chain.json"))
    if head != (manifest.chain_size, manifest.chain_root):
        raise Damaged("chain.json has another size or root than manifest.json")
    records: list[dict[str, Any]] = []
    for entry in part(chain, "records", list, "chain.json"):
        record = part(entry, "record", dict, f"entry {len(records)} of chain.json")
        proof = part(entry, "proof", list, f"entry {len(records)} of chain.json")
        place = f"first broken record: seq {shown(record.get('seq'))}, entry {len(records)} of chain.json"
        _require_record(record, records[-1] if records else None, place)
        if record.get("subject") != manifest.case:
            raise Damaged(f"{place}: it is about another case")
        if not included(record["seq"], record["hash"], manifest.chain_size, manifest.chain_root, proof):
            raise Damaged(f"{place}: its proof does not lead to the signed root")
        records.append(record)
    words = f"{len(records)} records of {manifest.chain_size}, root {manifest.chain_root[:16]}..."
    return records, Check("ok", words)


def _require_record(record: dict[str, Any], before: dict[str, Any] | None, place: str) -> None:
    seq = count(record, "seq", place)
    previous = _hex(record, "prev", HEX32)
    if _hex(record, "hash", HEX32) != record_hash(record):
        raise Damaged(f"{place}: its hash is not the hash of its content")
    if before is not None and seq <= before["seq"]:
        raise Damaged(f"{place}: it is out of order")
    if before is not None and seq == before["seq"] + 1 and previous != before["hash"]:
        raise Damaged(f"{place}: it does not continue its predecessor")
    if seq == 0 and previous != GENESIS:
        raise Damaged(f"{place}: the first record has no predecessor")


def record_hash(record: dict[str, Any]) -> str:
    """SHA-256 of the record's canonical JSON (RFC 8785), the field ``hash`` left out."""
    return hashlib.sha256(canonical({k: v for k, v in record.items() if k != "hash"}).encode()).hexdigest()


def canonical(value: Any) -> str:
    """RFC 8785: sorted keys (as UTF-16), no spaces, numbers as ECMAScript writes them."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return _number(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """ECMA-262, Number::toString: the shortest digits that read back as the same number, and where its point goes."""
    if value == 0:
        return "0"
    sign, digit_tuple, exponent = Decimal(repr(value)).as_tuple()
    digits = "".join(map(str, digit_tuple)).rstrip("0")
    point = len(digit_tuple) + int(exponent)
    if 0 < point <= 21:
        text = digits.ljust(point, "0")[:point] + ("." + digits[point:] if len(digits) > point else "")
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + f"e{point - 1:+d}"
    return "-" * sign + text


def included(index: int, leaf: str, size: int, root: str, proof: list[Any]) -> bool:
    """Whether ``proof`` shows that ``leaf`` is number ``index`` of a Merkle tree (RFC 9162, section 2.1.3.2).

    Leaves and nodes are hashed apart, with a first byte of 0 and 1, so that no node passes for a record.
    """
    if (
        not 0 <= index < size
        or len(proof) > 64
        or not all(isinstance(one, str) and HEX32.fullmatch(one) for one in proof)
    ):
        return False
    node, last = hashlib.sha256(b"\0" + bytes.fromhex(leaf)).digest(), size - 1
    for other in map(bytes.fromhex, proof):
        if last == 0:
            return False
        if index & 1 or index == last:
            node = hashlib.sha256(b"\1" + other + node).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + other).digest()
        index, last = index >> 1, last >> 1
    return last == 0 and node.hex() == root


# ---- 4. contents ----------------------------------------------------------------------------------------------------


def check_contents(pack: Pack, manifest: Manifest, records: list[dict[str, Any]]) -> Check:
    """What the files say of each other; raises :class:`Damaged` at the first contradiction."""
    case = load_json(pack.document("case.json"), "case.json")
    assessment = load_json(pack.document("assessment.json"), "assessment.json")
    if part(part(case, "metadata", dict, "case.json"), "uid", str, "case.json") != manifest.case:
        raise Damaged("case.json is about another case than manifest.json")
    _require_recorded(pack, assessment, records)
    cited = _cited(pack, case, assessment)
    events, present = _read_events(pack, cited)
    if lost := sorted(cited - present):
        raise Damaged(f"{len(lost)} cited events are not in events.ndjson, the first is {shown(lost[0])}")
    return Check("ok", f"{events} events with their exact bytes, {len(cited)} cited, all present")


def _require_recorded(pack: Pack, assessment: Any, records: list[dict[str, Any]]) -> None:
    assessed = [record.get("body") for record in records if record.get("kind") == "assessment"]
    if assessment != (assessed[-1] if assessed else None):
        raise Damaged("assessment.json is not the last assessment in the chain")
    decided = (
        {"seq": record["seq"], "at": record.get("at"), **part(record, "body", dict, "a decision in chain.json")}
        for record in records
        if record.get("kind") == "decision"
    )
    for place, line in pack.lines("decisions.ndjson"):
        if line != next(decided, None):
            raise Damaged(f"{place} is not the decision that the chain recorded")
    if lost := next(decided, None):
        raise Damaged(f"decisions.ndjson lacks the decision of record {lost['seq']}")


def _cited(pack: Pack, case: Any, assessment: Any) -> set[str]:
    cited: set[str] = set()
    findings: set[str] = set()
    for place, finding in pack.lines("findings.ndjson"):
        findings.add(_uid(part(part(finding, "finding_info", dict, place), "uid", str, place), place))
        cited.update(_uids(part(finding, "unmapped", dict, place), "event_uids", place))
    ours = part(case, "unmapped", dict, "case.json")
    if lost := sorted(set(_uids(ours, "finding_uids", "case.json")) - findings):
        raise Damaged(f"case.json names finding {shown(lost[0])}, which findings.ndjson lacks")
    for entry in part(ours, "timeline", list, "case.json"):
        cited.update(_uids(entry, "event_uids", "the timeline in case.json"))
    for sentence in part(assessment, "sentences", list, "assessment.json") if assessment is not None else []:
        cited.update(_uids(sentence, "cites", "a sentence of assessment.json"))
    return cited


def _read_events(pack: Pack, cited: set[str]) -> tuple[int, set[str]]:
    events, present = 0, set()
    for place, event in pack.lines("events.ndjson"):
        events += 1
        uid = part(part(event, "metadata", dict, place), "uid", str, place)
        digest = _hex(part(event, "raw_data_hash", dict, place), "value", HEX32)
        if hashlib.sha256(raw_bytes(event, place)).hexdigest() != digest:
            raise Damaged(f"{place}: its raw bytes do not match their hash")
        if uid in cited:
            present.add(uid)
    return events, present


def raw_bytes(event: Any, place: str = "the event") -> bytes:
    """The record exactly as the source delivered it.

    That is the UTF-8 of ``raw_data``; where the record was not UTF-8, the base64 in the enrichment ``raw_data``.
    """
    for one in part(event, "enrichments", list, place):
        if isinstance(one, dict) and one.get("name") == "raw_data" and one.get("type") == "watchfloor":
            text = part(part(one, "data", dict, place), "base64", str, place)
            try:
                return base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError) as error:
                raise Damaged(f"{place}: its raw bytes are not base64") from error
    text = part(event, "raw_data", str, place)
    return bytes(text, "utf-8")


def _uids(value: Any, name: str, place: str) -> list[str]:
    return [_uid(one, place) for one in part(value, name, list, place)]


def _uid(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise Damaged(f"{place}: a uid that is not text")
    return value


# ---- reading JSON ---------------------------------------------------------------------------------------------------


def load_json(data: bytes, place: str) -> Any:
    """A JSON text in UTF-8; a name that occurs twice in one object, NaN and Infinity are refused."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except ValueError as error:
        raise Damaged(f"{place} is not JSON ({error})") from error
    except RecursionError as error:
        raise Damaged(f"{place} is nested too deeply") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return out


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def part(value: Any, name: str, kind: type, place: str) -> Any:
    """The field ``name`` of an object, of the type it must have."""
    found: Any = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, kind) or isinstance(found, bool):
        raise Damaged(f"{place} has no proper {name}")
    return found


def count(value: Any, name: str, place: str) -> int:
    """The field ``name`` of an object, which must be a natural number that JSON holds exactly."""
    found: int = part(value, name, int, place)
    if not 0 <= found < 1 << 53:
        raise Damaged(f"{place} has no proper {name}")
    return found


def _hex(value: Any, name: str, shape: re.Pattern[str]) -> str:
    text: str = part(value, name, str, "a hash or signature")
    if not shape.fullmatch(text):
        raise Damaged(f"{name} is not lower-case hex of the right length")
    return text


def shown(value: object) -> str:
    """Text from a pack as it may be printed: quoted, short, ASCII."""
    return json.dumps(str(value)[:80])


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Check a Watchfloor evidence pack.")
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    parser.add_argument("pack", nargs="?", default=here, help="the zip, or the folder it was unpacked to")
    parser.add_argument("--key", help="the public key (PEM) that must have signed it")
    given = parser.parse_args(arguments)
    try:
        key = None
        if given.key:
            with open(given.key, "rb") as file:  # noqa: PTH123
                key = read_public_key(file.read(1 << 16))
        report = verify(given.pack, key)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"verify.py: {error}\n")
        return 2
    sys.stdout.write("\n".join(report.lines()) + "\n")
    return report.exit_status


if __name__ == "__main__":
    sys.exit(main())
