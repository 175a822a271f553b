"""One frozen settings object: where data rests, for whom, with which content."""

from pathlib import Path

import msgspec

from watchfloor.errors import InputError

DEFAULT_DATA = Path(".watchfloor")
DEFAULT_TENANT = "default"
DEFAULT_WORKERS = 2
_MARK = "watchfloor.json"


class Settings(msgspec.Struct, frozen=True):
    """What a run needs to know beside its input.

    ``rules`` are Sigma rules to add (``detect``: to use alone); ``content`` are the user's content roots;
    ``inventory`` declares which accounts and machines are critical, and what they are; ``geo`` are MaxMind DB files
    that say where addresses are; ``workers`` is in how many
    processes long input is worked on.
    """

    data: Path = DEFAULT_DATA
    tenant: str = DEFAULT_TENANT
    rules: tuple[Path, ...] = ()
    content: tuple[Path, ...] = ()
    source: str | None = None
    inventory: Path | None = None
    geo: tuple[Path, ...] = ()
    workers: int = DEFAULT_WORKERS


class DataFolder(msgspec.Struct, frozen=True):
    """The layout of a data folder; ``investigate --out DIR`` makes DIR one."""

    path: Path

    @property
    def lake(self) -> Path:
        """Normalized events."""
        return self.path / "lake"

    @property
    def findings(self) -> Path:
        """Findings, OCSF 2004, one a line."""
        return self.path / "findings.ndjson"

    @property
    def suppressed(self) -> Path:
        """Findings that suppressions hide, OCSF 2004, one a line."""
        return self.path / "suppressed.ndjson"

    @property
    def cases(self) -> Path:
        """Cases, OCSF 2005, one a line."""
        return self.path / "cases.ndjson"

    @property
    def dead_letters(self) -> Path:
        """Records that did not become events, with reason and bytes."""
        return self.path / "deadletters.ndjson"

    @property
    def letters(self) -> Path:
        """The same of what arrived live, in files by the segments that it arrived in."""
        return self.path / "deadletters"

    @property
    def quality(self) -> Path:
        """What is known of the quality of sources."""
        return self.path / "quality.msgpack"

    @property
    def landing(self) -> Path:
        """What arrived and was not worked on."""
        return self.path / "landing"

    @property
    def inputs(self) -> Path:
        """How far each input has read."""
        return self.path / "inputs"

    @property
    def exchange(self) -> Path:
        """What running processes of the platform hand to each other."""
        return self.path / "exchange"

    @property
    def tokens(self) -> Path:
        """Who may deliver over the network."""
        return self.path / "tokens.json"

    @property
    def packs(self) -> Path:
        """A signed evidence pack for each case."""
        return self.path / "packs"

    @property
    def report(self) -> Path:
        """What people read."""
        return self.path / "report.html"

    @property
    def labels(self) -> Path:
        """What people decided."""
        return self.path / "labels.ndjson"

    @property
    def database(self) -> Path:
        """The case store."""
        return self.path / "watchfloor.db"

    @property
    def records(self) -> Path:
        """The hash-chained record of decisions."""
        return self.path / "records.ndjson"

    @property
    def derived(self) -> tuple[Path, ...]:
        """What an investigation makes from its input, and the next one replaces."""
        return (self.lake, self.packs, self.findings, self.suppressed, self.cases, self.report, self.dead_letters)

    def prepare(self) -> None:
        """Make the folder, or take one that is empty or already a data folder.

        Raises:
            InputError: The path is a file, or a folder with other things in it.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            mark = self.path / _MARK
            if not mark.exists():
                if any(self.path.iterdir()):
                    raise InputError(f"{self.path}: not empty and not a Watchfloor folder; name a new one")
                mark.write_text('{"layout": 1}\n')
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror or error}") from error

    def require(self) -> None:
        """Check that this is a data folder.

        Raises:
            InputError: It is not.
        """
        try:
            known = (self.path / _MARK).exists()
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror or error}") from error
        if not known:
            raise InputError(f"{self.path}: not a Watchfloor folder; run investigate --out {self.path} first")
