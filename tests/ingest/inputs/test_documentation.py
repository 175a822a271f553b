"""The examples of docs/collect.md are loaded as they stand there."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from watchfloor.errors import InputError
from watchfloor.ingest.inputs import Input, Transport, input_of

_TEXT = (Path(__file__).parents[3] / "docs" / "collect.md").read_text(encoding="utf-8")
_EXAMPLES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", _TEXT, re.DOTALL)]
_INPUTS = [one for example in _EXAMPLES for one in example.get("inputs", ())]


@pytest.mark.parametrize("settings", _INPUTS, ids=lambda one: one["kind"])
def test_every_example_is_an_input(settings: dict[str, Any]) -> None:
    one = input_of(settings, place="docs/collect.md")
    assert isinstance(one, Transport)
    assert one.path


def test_every_kind_has_an_example() -> None:
    kinds = {kind.__struct_config__.tag for kind in get_args(Input) or (Input,)}
    assert {one["kind"] for one in _INPUTS} == kinds


@pytest.mark.parametrize("settings", _INPUTS, ids=lambda one: one["kind"])
def test_a_misspelt_setting_is_refused_with_its_place(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"^serve.yml: .*tennant"):
        input_of(settings | {"tennant": "acme"}, place="serve.yml")
