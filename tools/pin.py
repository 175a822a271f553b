"""Writes the versions that the project is tested with into ``pyproject.toml``, as constraints.

A lock file would name the hosts it was resolved from; constraints pin the same versions and name nobody. Run it with
``just pin`` after changing a dependency, then run the tests.
"""

import re
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parent.parent / "pyproject.toml"
BLOCK = re.compile(r"constraint-dependencies = \[\n.*?^\]\n", re.DOTALL | re.MULTILINE)
EXPORT = (
    *("uv", "export", "--quiet", "--upgrade", "--all-groups", "--all-extras"),
    *("--no-hashes", "--no-annotate", "--no-header", "--no-emit-project"),
)


def constraints() -> list[str]:
    """The resolved requirements, one a line, in order."""
    without = BLOCK.sub("", PROJECT.read_text(encoding="utf-8"))
    PROJECT.write_text(without, encoding="utf-8")
    exported = subprocess.run(EXPORT, capture_output=True, text=True, check=True, cwd=PROJECT.parent).stdout
    return sorted(line.strip() for line in exported.splitlines() if "==" in line)


def main() -> None:
    """Replace the block."""
    before = PROJECT.read_text(encoding="utf-8")
    try:
        pinned = constraints()
    except subprocess.CalledProcessError as error:
        PROJECT.write_text(before, encoding="utf-8")
        raise SystemExit(error.stderr) from error
    lines = "".join(f'    "{line}",\n'.replace('" ', '"') for line in (one.replace('"', "'") for one in pinned))
    block = f"constraint-dependencies = [\n{lines}]\n"
    text = PROJECT.read_text(encoding="utf-8").replace("[tool.uv]\n", f"[tool.uv]\n{block}", 1)
    PROJECT.write_text(text, encoding="utf-8")
    print(f"{len(pinned)} versions pinned")


if __name__ == "__main__":
    main()
