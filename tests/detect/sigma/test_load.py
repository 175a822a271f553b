"""What loads, and what is named when it does not."""

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.detect.sigma.load import load_rules
from watchfloor.errors import InputError

GOOD = """title: Good
id: 5f0b5c1e-0000-4000-8000-0000000000aa
logsource:
    product: windows
detection:
    selection:
        Image: x
    condition: selection
"""

CORRELATION = """title: C
correlation:
    type: event_count
    rules: [a]
    group-by: [u]
    timespan: 1m
    condition: {gte: 2}
"""
FILTER = """title: F
logsource: {product: windows}
filter:
  rules: any
  s: {A: b}
  condition: not s
"""


def reasons(ruleset: RuleSet) -> list[str]:
    return [str(error) for error in ruleset.errors]


def titles(ruleset: RuleSet) -> list[str]:
    return [one.rule.title for one in ruleset.rules]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("title: Bad\nlogsource: [\ndetection:\n", 4, "not readable YAML"),
        ("title: Bad\n\tdetection: x\n", 2, "not readable YAML"),
        ("title: Bad\ntitle: Twice\ndetection:\n  condition: a\n", 1, "Duplicate key 'title'"),
        (GOOD.replace("selection:\n        Image: x", "selection: {}"), 6, "Detection is empty"),
        (GOOD.replace("Image: x", "Image|nosuch: x"), 6, "nosuch"),
        (GOOD.replace("Image: x", "Image|re: '('"), 6, "Regular expression '(' is invalid"),
        (GOOD.replace("Image: x", "Image|re: " + "x" * 40_000), 6, "longer than 32768 characters"),
        (GOOD.replace("Image: x", "Image|re: " + "(" * 2000 + "a" + ")" * 2000), 6, "RecursionError"),
        (GOOD.replace("Image: x", "Image|cidr: 192.0.2.1/24"), 6, "host bits set"),
        (GOOD.replace("Image: x", "Image|gt: many"), 6, "incompatible"),
        (GOOD.replace("Image: x", "Image: {a: b}"), 6, "Unsupported type"),
        (GOOD.replace("Image: x", "Image: 2025-02-03"), 6, "Unsupported type"),
        (GOOD.replace("Image: x", "7: x"), 6, "AttributeError"),
        (GOOD.replace("Image: x", "'|exists': true"), 6, "field"),
        (GOOD.replace("Image: x", "'|fieldref': User"), 6, "fieldref needs a field"),
        (GOOD.replace("Image: x", "'': null"), 6, "a keyword cannot be null"),
        (GOOD.replace("Image: x", "Image|expand: '%names%'"), 6, "needs a list of values for the placeholder %names%"),
        (GOOD.replace("Image: x", "Image|windash: -a -b -c -d"), 6, "at most three dash"),
        (GOOD.replace("condition: selection", "condition: nothing"), 8, "'nothing', which the detection"),
        (GOOD.replace("condition: selection", "condition: 5"), 8, "must be text"),
        (GOOD.replace("condition: selection", "condition: selection | count() > 5"), 8, "correlation"),
        (GOOD.replace("    condition: selection\n", ""), 5, "at least one condition"),
        (GOOD.replace("    product: windows", "    product: 7"), 3, "must be string"),
        (GOOD.replace("    product: windows", "    - windows"), 3, "must be a valid YAML map"),
        (GOOD.replace("    product: windows", "    product: ocsf\n    category: nosuch"), 3, "not an OCSF class"),
        (GOOD.replace("    product: windows", "    product: ocsf\n    service: okta"), 3, "takes a category"),
        (GOOD.replace("    product: windows", "    product: ocsf"), 6, "'Image' is not an OCSF attribute"),
        (GOOD.replace("0000000000aa", "no"), 2, "must be an UUID"),
        (GOOD + "level: severe\n", 9, "not a valid Sigma rule level"),
        (GOOD + "decisive: 'yes'\n", 9, "decisive must be true or false"),
        (GOOD + "runbook: [a]\n", 9, "runbook must be text"),
        (GOOD.replace("title: Good", "title: [a]"), 1, "title must be a string"),
        (GOOD.replace("logsource:\n    product: windows\n", ""), 1, "log source"),
        (CORRELATION, 4, "refers to 'a', which is not loaded"),
        (FILTER.replace("any", "[nosuch]"), 4, "applies to no rule"),
        (FILTER.replace("not s", "not t"), 6, "'t', which"),
        (FILTER.replace("  rules: any\n", ""), 1, "rules"),
        ("detection: &a [*a]\nlogsource: x\n", 1, "expand"),
        ("\x00\ndetection:", None, "not readable YAML"),
    ],
)  # fmt: skip
def test_a_bad_rule_is_named_and_harms_no_other(bench: Any, text: str, line: int | None, reason: str) -> None:
    folder = bench.folder({"a_bad.yml": text, "b_good.yml": GOOD.replace("0aa", "0bb")})
    ruleset = load_rules([folder])
    assert titles(ruleset) == ["Good"]
    (error,) = ruleset.errors
    assert error.path == str(folder / "a_bad.yml")
    assert reason in error.reason
    assert "\n" not in error.reason
    assert error.line == line


HOSTILE: dict[str, bytes] = {
    "invalid UTF-8": b"detection: \xff\xfe\xfd\n",
    "deep flow": b"detection: " + b"[" * 500_000,
    "deep lists": b"detection:\n" + b"- " * 500_000,
    "deep keys": b"detection: {a: " + b"{a: " * 500_000,
    "deep questions": b"detection:\n  " + b"? " * 500_000,
    "aliases": b"a: &a [x, x, x, x, x, x, x, x, x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (i + 1, i + 1, b",".join([b"*%c" % i] * 9)) for i in range(97, 109))
    + b"logsource: {product: x}\ndetection: {s: *m, condition: s}\n",
    "merges": b"a: &a {k1: 1, k2: 2, k3: 3}\n"
    + b"".join(b"%c: &%c {<<: [%s]}\n" % (i + 1, i + 1, b",".join([b"*%c" % i] * 9)) for i in range(97, 109))
    + b"logsource: {product: x}\ndetection: {s: *m, condition: s}\n",
    "huge": b"detection:\n" + b"# x\n" * 2_000_000,
    "many documents": b"detection: x\n--- {" * 2,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_named(bench: Any, name: str) -> None:
    ruleset = bench.load(HOSTILE[name], GOOD)
    assert titles(ruleset) == ["Good"]
    assert {error.path for error in ruleset.errors} == {ruleset.rules[0].rule.path.replace("001.yml", "000.yml")}


def test_only_rules_are_looked_at(bench: Any) -> None:
    folder = bench.folder(
        {
            "source.yml": "name: x\nfilter: {a: b}\n",
            "map.yml": "logsources:\n  detection: x\n",
            "notes.md": "detection: [",
            "broken.yml": "a: [",
            "list.yml": "- detection: x\n",
            "pack/NAME/detection.yml": GOOD,
            "pack/NAME/cases/a.hit.ndjson": "{}",
        }
    )
    ruleset = load_rules([folder])
    assert titles(ruleset) == ["Good"]
    assert not ruleset.errors


def test_a_file_that_is_named_must_be_a_rule(bench: Any) -> None:
    folder = bench.folder({"map.yml": "a: b\n", "rule.txt": GOOD})
    assert "holds no Sigma rule" in reasons(load_rules([folder / "map.yml"]))[0]
    assert titles(load_rules([folder / "rule.txt"])) == ["Good"]


def test_a_missing_path_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        load_rules([tmp_path / "nowhere"])


def test_a_pipe_and_a_broken_link_are_named(bench: Any) -> None:
    folder = bench.folder({"good.yml": GOOD})
    os.mkfifo(folder / "a.yml")
    (folder / "b.yml").symlink_to(folder / "nowhere")
    (folder / "loop").symlink_to(folder)
    ruleset = load_rules([folder])
    assert titles(ruleset) == ["Good"]
    assert [error.reason for error in ruleset.errors] == ["not a regular file"] * 2
    assert reasons(load_rules([folder / "a.yml"])) == [f"{folder / 'a.yml'}: not a regular file"]


def test_deprecated_and_unsupported_are_skipped_unless_named(bench: Any) -> None:
    files = {
        f"rules/{name}/a/{name}.yml": GOOD.replace("Good", name).replace("0aa", f"0{at}a")
        for at, name in enumerate(["windows", "deprecated", "unsupported"])
    }
    folder = bench.folder(files)
    assert titles(load_rules([folder])) == ["windows"]
    assert titles(load_rules([folder / "rules" / "deprecated"])) == ["deprecated"]
    assert titles(load_rules([folder / "rules" / "unsupported" / "a"])) == ["unsupported"]
    with zipfile.ZipFile(folder / "rules.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    assert titles(load_rules([folder / "rules.zip"])) == ["windows"]


def test_a_zip_names_its_members(tmp_path: Path) -> None:
    path = tmp_path / "rules.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rules/good.yml", GOOD)
        archive.writestr("rules/bad.yml", GOOD.replace("Image", "Image|nosuch"))
        archive.writestr("rules/bomb.yml", b"detection: " + b"a" * (64 << 20))
        archive.writestr("README.md", "detection:")
    ruleset = load_rules([path])
    assert [one.rule.path for one in ruleset.rules] == [f"{path}!rules/good.yml"]
    assert [error.path for error in ruleset.errors] == [f"{path}!rules/bad.yml", f"{path}!rules/bomb.yml"]
    assert "larger than" in reasons(ruleset)[1]


def test_a_damaged_zip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rules.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.yml", GOOD)
        archive.writestr("b.yml", GOOD.replace("0aa", "0bb"))
    path.write_bytes(path.read_bytes().replace(b"title: Good", b"title: Evil", 1))
    ruleset = load_rules([path])
    assert titles(ruleset) == ["Good"]
    assert "cannot be read from the zip" in reasons(ruleset)[0]


def test_an_id_belongs_to_one_rule(bench: Any) -> None:
    folder = bench.folder({"a.yml": GOOD, "b.yml": GOOD.replace("Good", "Other")})
    ruleset = load_rules([folder])
    assert titles(ruleset) == ["Good"]
    assert reasons(ruleset) == [
        f"{folder / 'b.yml'}:2: the id 5f0b5c1e-0000-4000-8000-0000000000aa is already that of {folder / 'a.yml'}"
    ]


def test_overlapping_paths_load_once(bench: Any) -> None:
    folder = bench.folder({"x/a.yml": GOOD})
    ruleset = load_rules([folder, folder / "x", folder / "x" / "a.yml", folder])
    assert titles(ruleset) == ["Good"]
    assert not ruleset.errors


def test_a_rule_without_an_id_has_a_stable_one(bench: Any) -> None:
    text = GOOD.replace("id: 5f0b5c1e-0000-4000-8000-0000000000aa\n", "")
    first, second = (bench.load(text).rules[0].rule.id for _ in range(2))
    assert first == second
    assert bench.load(text.replace("Good", "Other")).rules[0].rule.id != first


def test_documents_of_one_file(bench: Any) -> None:
    ruleset = bench.load(GOOD + "---\n" + GOOD.replace("0aa", "0bb").replace("Good", "Second") + "---\n---\nnotes: x\n")
    assert titles(ruleset) == ["Good", "Second"]
    assert not ruleset.errors


def test_a_bad_document_spares_the_ones_after_it(bench: Any) -> None:
    bad = GOOD.replace("Image: x", "Image: x\n        Image: y").replace("Good", "Bad")
    ruleset = bench.load(bad + "---\n" + GOOD)
    assert titles(ruleset) == ["Good"]
    assert [error.line for error in ruleset.errors] == [1]


def test_actions_of_older_files(bench: Any) -> None:
    text = (
        """action: global
title: Shared
detection:
    condition: selection
---
id: 5f0b5c1e-0000-4000-8000-0000000000a1
logsource: {product: windows, service: sysmon}
detection:
    selection: {EventID: 1}
---
id: 5f0b5c1e-0000-4000-8000-0000000000a2
logsource: {product: windows, service: security}
detection:
    selection: {EventID: 4688}
---
action: repeat
id: 5f0b5c1e-0000-4000-8000-0000000000a3
detection:
    selection: {EventID: 4689}
---
action: reset
---
"""
        + GOOD
    )
    ruleset = bench.load(text)
    assert not ruleset.errors
    assert [(one.rule.title, one.logsource.service) for one in ruleset.rules] == [
        ("Shared", "sysmon"),
        ("Shared", "security"),
        ("Shared", "security"),
        ("Good", ""),
    ]
    assert len({one.condition for one in ruleset.rules}) == 4


def test_metadata(bench: Any) -> None:
    text = (
        GOOD
        + """level: critical
description: |
    What it is.
falsepositives: [Backups]
tags: [attack.credential-access, attack.lateral_movement, attack.t1003.002, attack.T1059, attack.s0154, cve.2024-1]
use_case: privilege escalation
runbook: Ask the owner of the host.
decisive: true
anything: else
"""
    )
    rule = bench.load(text).rules[0].rule
    assert rule.level == "critical"
    assert rule.description == "What it is."
    assert rule.tactics == ("credential-access", "lateral-movement")
    assert rule.techniques == ("T1003.002", "T1059")
    assert rule.false_positives == ("Backups",)
    assert (rule.use_case, rule.runbook, rule.decisive) == ("privilege escalation", "Ask the owner of the host.", True)
    assert bench.load(GOOD).rules[0].rule.level == "medium"


def test_compiled_rules_are_plain_data(bench: Any) -> None:
    import msgspec  # noqa: PLC0415 - only here

    rules = bench.load(bench.rule({"a": {"A|re|i": "x", "B|cidr": "::/0", "C|hour|gt": 3, "D": None, "E|fieldref": "F"},
                                   "b": [1, "x*y?z"], "condition": "2 of * or not a"})).rules  # fmt: skip
    packed = msgspec.msgpack.encode(rules)
    assert msgspec.msgpack.decode(packed, type=tuple[CompiledRule, ...]) == rules


def test_filters_narrow_rules_by_id_name_and_log_source(bench: Any) -> None:
    own: list[dict[str, Any]] = [{}, {"name": "named"}, {"logsource": {"product": "linux"}}]
    rules = [
        bench.rule({"s": {"A": "x"}, "condition": "s"}, id=f"5f0b5c1e-0000-4000-8000-00000000000{at}", **more)
        for at, more in enumerate(own)
    ]

    def narrowed(logsource: dict[str, str], names: str | list[str]) -> list[int]:
        body = {"rules": names, "admin": {"User": "root"}, "condition": "not admin"}
        ruleset = bench.load(*rules, {"title": "F", "logsource": logsource, "filter": body})
        assert not ruleset.errors
        plain = bench.load(*rules).rules
        return [at for at, one in enumerate(ruleset.rules) if one.condition != plain[at].condition]

    assert narrowed({"product": "windows"}, "any") == [0, 1]
    assert narrowed({"category": "process_creation"}, ["named"]) == [1]
    assert narrowed({"product": "windows"}, [rules[0]["id"].upper()]) == [0]
    assert narrowed({"product": "linux"}, []) == [2]
