"""``--drift FILE``: tells on standard error what records show that their source did not show before."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from watchfloor.cli.progress import stderr
from watchfloor.console.text import visible
from watchfloor.errors import InputError
from watchfloor.normalize import Source
from watchfloor.normalize.drift import SchemaDrift
from watchfloor.normalize.sample_events import learn_samples


class Watching:
    """Events, looked at as they go by."""

    def __init__(self, drift: SchemaDrift) -> None:
        self._drift = drift
        self._console = stderr()

    def __call__(self, events: pa.RecordBatch) -> None:
        """Tell what is different in a batch of events."""
        for one in self._drift.observe(events):
            self._console.print(visible(one.sentence()), markup=False, soft_wrap=True)


@contextmanager
def watching(path: Path | None, sources: Iterable[Source]) -> Iterator[Watching | None]:
    """What looks at events; what was learned is kept in the file ``path``. Without one, nothing looks.

    Raises:
        InputError: The file cannot be read or written, or holds something else.
    """
    if path is None:
        yield None
        return
    drift = _loaded(path)
    before = drift.counts
    learn_samples(drift, sources)
    watch = Watching(drift)
    yield watch
    _save(drift, path)
    for source, count in sorted(drift.counts.items()):
        if count > before.get(source, 0):
            stderr().print(f"{source}: schema drift: {count - before.get(source, 0):,}", markup=False)


def _loaded(path: Path) -> SchemaDrift:
    try:
        return SchemaDrift.load(path.read_bytes())
    except FileNotFoundError:
        return SchemaDrift()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _save(drift: SchemaDrift, path: Path) -> None:
    draft = path.with_name(f"{path.name}.new")
    try:
        draft.write_bytes(drift.dump())
        draft.replace(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
