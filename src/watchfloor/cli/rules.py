"""``rules``: detections as code, a command a file."""

import typer

from watchfloor.cli.rules_backtest import run_backtest
from watchfloor.cli.rules_check import check
from watchfloor.cli.rules_coverage import run_coverage
from watchfloor.cli.rules_explain import explain
from watchfloor.cli.rules_scorecard import run_scorecard
from watchfloor.cli.rules_test import run_tests
from watchfloor.cli.rules_tune import run_tune

app = typer.Typer(help="Detections as code.", no_args_is_help=True)
app.command("check")(check)
app.command("test")(run_tests)
app.command("explain")(explain)
app.command("backtest")(run_backtest)
app.command("coverage")(run_coverage)
app.command("scorecard")(run_scorecard)
app.command("tune")(run_tune)
