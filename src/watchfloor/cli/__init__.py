"""The command line: thin edges over the stages. Machine-readable output on stdout, progress and messages on stderr."""

import os
import sys

from watchfloor.errors import GateError, WatchfloorError

LONGEST = 4000
"""How many characters of an error message are shown."""


def main() -> None:
    """Run ``watchfloor``; exit with 0 done, 1 a gate failed, 2 an argument gives nothing readable."""
    from watchfloor.cli.app import app  # noqa: PLC0415 - an error of the import itself is reported as one line, too

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


def _fail(message: str, status: int) -> None:
    from watchfloor.console.text import visible  # noqa: PLC0415 - needed only now

    sys.stderr.write(f"watchfloor: {visible(message, LONGEST)}\n")
    raise SystemExit(status) from None
