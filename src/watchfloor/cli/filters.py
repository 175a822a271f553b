"""``filters``: which noise filters may run, and why others may not."""

import typer
from rich.text import Text

from watchfloor.catalog import folders
from watchfloor.cli.options import Content, Rules
from watchfloor.cli.progress import stderr, stdout
from watchfloor.cli.rules_loading import rule_cache, source_cache
from watchfloor.console.text import visible
from watchfloor.detect.noise import NoiseFilter
from watchfloor.errors import ContentError, GateError
from watchfloor.run.content import Content as Loaded
from watchfloor.run.content import load_content

app = typer.Typer(help="Noise filters.", no_args_is_help=True)


def admitted_filters(content: Loaded) -> tuple[NoiseFilter, ...]:
    """The filters of the loaded content that may run; the others are named."""
    active, refused = admit(content)
    for refusal in refused:
        stderr().print(Text(visible(str(refusal))), soft_wrap=True)
    return active


def admit(content: Loaded) -> tuple[tuple[NoiseFilter, ...], tuple[ContentError, ...]]:
    """The filters of the loaded content that may run, and an error for each of the others."""
    from watchfloor.rulecraft.noise import admit_filters  # noqa: PLC0415 - dear, and few ask for it

    admitted = admit_filters(content.roots, content.rules, content.sources)
    return admitted.active, admitted.refused


@app.callback()
def _main() -> None:
    pass


@app.command()
def check(content: Content = None, rules: Rules = None) -> None:
    """Run the cases of each filter and look whether it starves a detection; exit 1 if one is refused."""
    loaded = load_content(rules=rules or (), user=content or (), load=rule_cache().load, sources=source_cache().load)
    admitted = admitted_filters(loaded)
    for one in admitted:
        text = f"{one.name}: one in {one.keep_one_in:,} is kept; {one.owner}: {one.reason}"
        stdout().print(Text(visible(text)), soft_wrap=True)
    refused = len(folders("filters", under=loaded.roots)) - len(admitted)
    if refused:
        raise GateError(f"{refused} of the filters may not run")
