"""What docs/sources.md shows is what happens."""

import re
from pathlib import Path

import orjson
import yaml

from watchfloor.normalize.formats import read_text
from watchfloor.normalize.text_forms import _KEYS, compile_forms

DOCUMENT = Path(__file__).parents[2] / "docs" / "sources.md"
MODULE = compile_forms.__globals__["__doc__"]


def test_the_example_of_forms_does_what_it_says() -> None:
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL))
    read = compile_forms(yaml.safe_load(blocks["yaml"])["text"])
    found = [read(read_text(line.encode(), 1_772_530_000_000)) for line in blocks["text"].splitlines()]
    assert all(one and one.pop("syslog")["app_name"] == "turnstile" for one in found)
    assert found == [orjson.loads(line) for line in blocks["json"].splitlines()]


def test_the_table_of_keys_is_whole() -> None:
    assert not {key for key in _KEYS if f"``{key}``" not in MODULE}
