"""The command line: thin edges over the stages. Machine-readable output on stdout, progress and messages on stderr."""

import atexit
import gc
import os
import sys

from watchfloor.errors import GateError, WatchfloorError

LONGEST = 4000
"""How many characters of an error message are shown."""

COLLECTED_AFTER = 50_000
"""How many objects more there must be before they are searched for cycles that nothing uses."""


def main() -> None:
    """Run ``watchfloor``; exit with 0 done, 1 a gate failed, 2 an argument gives nothing readable."""
    from watchfloor.cli.app import app  # noqa: PLC0415 - an error of the import itself is reported as one line, too

    _collect_rarely()
    try:
        app()
    except BrokenPipeError:
        # The reader has gone (``| head``): there is nobody to tell, and nothing more to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except GateError as error:
        _fail(str(error), 1)
    except WatchfloorError as error:
        _fail(str(error), 2)


def _collect_rarely() -> None:
    # Rules and mappings are many objects that stay: to search them for cycles, again and again while they are loaded
    # and once more at the end, takes a third of the time of a command on few events.
    gc.set_threshold(COLLECTED_AFTER)
    atexit.register(gc.disable)


def _fail(message: str, status: int) -> None:
    from watchfloor.console.text import visible  # noqa: PLC0415 - needed only now

    sys.stderr.write(f"watchfloor: {visible(message, LONGEST)}\n")
    raise SystemExit(status) from None
