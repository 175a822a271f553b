"""Bad input is normal input: one clear line for each, the good records around it processed, the status as designed."""

import gzip
import io
import zipfile
from pathlib import Path

import orjson
import pytest
from tests.cli.conftest import Run


def okta(number: int = 0, **more: object) -> bytes:
    return orjson.dumps(
        {
            "uuid": f"00000000-0000-4000-8000-{number:012}",
            "published": "2026-03-17T09:14:00.000Z",
            "eventType": "user.session.start",
            "displayMessage": "User login to Okta",
            "version": "0",
            "actor": {"id": "00u1example", "type": "User", "alternateId": "alice@example.com", "displayName": "Alice"},
            "client": {"ipAddress": "192.0.2.10"},
            "outcome": {"result": "SUCCESS"},
            **more,
        }
    )


GOOD = (okta(1), okta(2))


def _around(bad: bytes) -> bytes:
    return GOOD[0] + b"\n" + bad + b"\n" + GOOD[1] + b"\n"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'{"eventType": ', "JSON"),
        (b'{"a": "\xff\xfe"}', "UTF-8"),
        (b"\0\0\0\0", "JSON"),
        (b"plain text", "no source recognises"),
        (b"[1, 2]", ""),
        (b'{"unknown": "shape"}', "no source recognises"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, ""),
        (okta(3, published="soon"), "time"),
        (okta(3, published="9999-12-31T23:59:59.9999Z"), "time"),
        (okta(3, deep=orjson.loads(b'{"a":' * 240 + b"1" + b"}" * 240)), "deep"),
    ],
    ids=["cut", "utf8", "nul", "text", "array", "unknown", "deep", "time", "year-9999", "deep-240"],
)
def test_a_bad_line_is_one_dead_letter_between_good_ones(run: Run, tmp_path: Path, bad: bytes, reason: str) -> None:
    path = tmp_path / "log.ndjson"
    path.write_bytes(_around(bad))
    ran = run("normalize", path)
    assert ran.status == 0
    assert len(ran.lines) == 2
    (line,) = [line for line in ran.err.splitlines() if line.strip()]
    assert line.startswith(f"{path}:2: ")
    assert reason in line


def test_an_empty_file_says_so(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.touch()
    ran = run("normalize", path)
    assert (ran.status, ran.out) == (0, "")
    assert "empty" in ran.err


def test_a_missing_path_is_status_2_and_one_line(run: Run, tmp_path: Path) -> None:
    ran = run("normalize", tmp_path / "nowhere.json")
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert "nowhere.json" in ran.err


def test_a_cut_gzip_gives_what_came_before(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    whole = gzip.compress(b"".join(okta(number) + b"\n" for number in range(2000)))
    path.write_bytes(whole[: len(whole) // 2])
    ran = run("normalize", path)
    assert ran.status == 0
    assert 0 < len(ran.lines) < 2000
    assert str(path) in ran.err


def test_a_line_of_50_megabytes_is_named_and_passed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "long.ndjson"
    path.write_bytes(_around(b'{"a":"' + b"x" * 50_000_000 + b'"}'))
    ran = run("normalize", path)
    assert ran.status == 0
    assert len(ran.lines) == 2
    assert f"{path}:2: " in ran.err


def test_something_that_claims_to_be_evtx(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "claims.evtx"
    path.write_bytes(b"ElfFile\0" + bytes(range(256)) * 100)
    good = tmp_path / "good.json"
    good.write_bytes(GOOD[0])
    ran = run("normalize", tmp_path)
    assert ran.status == 0
    assert len(ran.lines) == 1
    assert str(path) in ran.err


def test_a_zip_bomb_is_bounded(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("good.json", GOOD[0])
        with archive.open("bomb.json", "w", force_zip64=True) as member:
            for _ in range(600):
                member.write(b" " * (1 << 20))
    ran = run("normalize", path)
    assert ran.status == 0
    assert len(ran.lines) == 1
    assert "bomb.json" in ran.err


def test_a_member_is_named_with_its_archive(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "logs.zip"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/day.json", b"\n".join(GOOD))
    path.write_bytes(buffer.getvalue())
    places = [event["enrichments"][0]["value"] for event in run("normalize", path).lines]  # type: ignore[index]
    assert places == [f"{path}!a/day.json:1", f"{path}!a/day.json:2"]


def test_a_rule_that_does_not_load_is_named_and_harms_no_other(run: Run, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "broken.yml").write_text("title: [unclosed\ndetection:\n")
    (rules / "good.yml").write_text(
        "title: Login\nlevel: low\nid: 8b4a3f0e-5a7e-4c53-9b8c-2f6f1f0f7a11\n"
        "logsource: {product: okta, service: okta}\n"
        "detection: {s: {eventType: user.session.start}, condition: s}\n"
    )
    log = tmp_path / "log.ndjson"
    log.write_bytes(_around(b"{"))
    ran = run("detect", log, "--rules", rules, "--brief")
    assert ran.status == 0
    assert [(line["line"], line["level"], line["path"]) for line in ran.lines] == [
        (1, "low", str(log)),
        (3, "low", str(log)),
    ]
    assert "broken.yml" in ran.err
    ran = run("detect", log, "--rules", tmp_path / "no-such-rules")
    assert (ran.status, ran.out) == (2, "")


@pytest.mark.parametrize("command", ["detect", "investigate"])
def test_rules_that_are_none_are_no_silent_success(run: Run, tmp_path: Path, command: str) -> None:
    log = tmp_path / "log.ndjson"
    log.write_bytes(_around(b"{"))
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "notes.yml").write_text("- not a rule\n")
    out = ("--out", tmp_path / "out") if command == "investigate" else ()
    ran = run(command, log, "--rules", tmp_path / "rules", *out)
    assert (ran.status, ran.out) == (2, "")
    assert "rules: holds no Sigma rules" in ran.err


def test_detecting_with_rules_that_all_fail_to_load_is_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "log.ndjson").write_bytes(GOOD[0])
    (tmp_path / "broken.yml").write_text("title: [unclosed\ndetection:\n")
    ran = run("detect", tmp_path / "log.ndjson", "--rules", tmp_path / "broken.yml")
    assert (ran.status, ran.out) == (2, "")
    assert "broken.yml:2: " in ran.err
    assert "none of the rules loads" in ran.err


def test_messages_cannot_carry_escapes(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31mred.json"
    path.write_bytes(b'{"x": 1}')
    ran = run("normalize", path)
    assert "\x1b[31m" not in ran.err


def test_a_regular_expression_that_ran_out_of_time_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "log.ndjson").write_bytes(okta(1, displayMessage="a" * 60 + "!"))
    (tmp_path / "slow.yml").write_text(
        "title: Slow\nlevel: low\nid: 8b4a3f0e-5a7e-4c53-9b8c-2f6f1f0f7a12\n"
        "logsource: {product: okta, service: okta}\n"
        "detection: {s: {displayMessage|re: '^(a|aa)+(?!b)$'}, condition: s}\n"
    )
    ran = run("detect", tmp_path / "log.ndjson", "--rules", tmp_path / "slow.yml")
    assert (ran.status, ran.out) == (0, "")
    assert "'^(a|aa)+(?!b)$' of 8b4a3f0e-5a7e-4c53-9b8c-2f6f1f0f7a12 ran out of time once" in ran.err


def test_rules_are_kept_between_runs_and_read_again_if_that_fails(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "log.ndjson").write_bytes(okta(1, displayMessage="hello"))
    (tmp_path / "rule.yml").write_text(
        "title: Hello\nlevel: low\nid: 8b4a3f0e-5a7e-4c53-9b8c-2f6f1f0f7a13\n"
        "logsource: {product: okta, service: okta}\n"
        "detection: {s: {displayMessage: hello}, condition: s}\n"
    )
    arguments = ("detect", tmp_path / "log.ndjson", "--rules", tmp_path / "rule.yml", "--brief")
    first = run(*arguments)
    assert len(first.lines) == 1
    assert run(*arguments) == first
    (entry,) = (tmp_path / "cache" / "watchfloor" / "rules").iterdir()
    entry.write_bytes(b"damaged")
    again = run(*arguments)
    assert again.out == first.out
    assert "the rules are read again" in again.err
