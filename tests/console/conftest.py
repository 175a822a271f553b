"""The sample model, a crowd of cases, and the same with a hostile string wherever a log could put one."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from watchfloor.case import TACTICS
from watchfloor.console.model import ReportModel
from watchfloor.finding import LEVELS

VOCABULARY = frozenset((*LEVELS, "permit", "needs-approval", "deny", "new", "corrected", "retracted", *TACTICS[1:]))
"""Words of our own that decide how something is drawn; all other strings may come from a log."""

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></title></svg></details><h1>",
    "{{ 7 * 7 }}{% raw %}",
    "[bold red]markup[/]",
    "invoice\u202egpj.exe\u2066\u2069",
    "zero\u200bwidth\ufeff\u00ad\u3164",
    "\x1b[2J\x1b]0;owned\x07\x00\x9b31m",
    "lone \ud800 surrogate \udfff and \U000e0041\U000e0042",
    "z" + "\u0301" * 300,
    "javascript:alert(1)//http://attacker.example/",
    "&lt;script&gt; &amp;#x3c;",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "x" * 10_240,
    "\n\r\n\t\u2028\u2029\x85",
    "]]><!-- -->",
)


def _load() -> Callable[..., ReportModel]:
    spec = importlib.util.spec_from_file_location("sample_model", Path(__file__).with_name("sample_model.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["sample_model"] = module
    spec.loader.exec_module(module)
    build: Callable[..., ReportModel] = module.sample_model
    return build


_sample_model = _load()


def poison(model: ReportModel, choose: Callable[[int], str]) -> ReportModel:
    """The model with each free string replaced, keys and ids included, by ``choose(n)`` for the n-th distinct one."""
    known: dict[str, str] = {}

    def word(value: str) -> str:
        return value if value in VOCABULARY else known.setdefault(value, choose(len(known)))

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return word(value)
        if isinstance(value, (list, tuple)):
            return [walk(one) for one in value]
        if isinstance(value, dict):
            return {key: walk(one) for key, one in value.items()}
        return value

    plain = {name: msgspec.to_builtins(getattr(model, name)) for name in model.__struct_fields__}
    made = {name: walk(value) for name, value in plain.items()}
    for name in ("evidence", "packs", "techniques"):
        made[name] = {word(key): value for key, value in made[name].items()}
    return msgspec.convert(made, ReportModel)


@pytest.fixture(scope="session")
def sample() -> ReportModel:
    return _sample_model()


@pytest.fixture(scope="session")
def crowd() -> ReportModel:
    return _sample_model(293)


@pytest.fixture(scope="session")
def hostile(sample: ReportModel) -> ReportModel:
    """Each free string carries one of the hostile ones, and stays distinct, so that ids still connect."""
    return poison(sample, lambda n: f"{n} {HOSTILE[n % len(HOSTILE)]}")


@pytest.fixture(scope="session")
def poisoned() -> Callable[[ReportModel, Callable[[int], str]], ReportModel]:
    return poison
