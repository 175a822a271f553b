# What people who work on Watchfloor run. `just` lists it.

set positional-arguments

default:
    @just --list

# format, lint, types, import contracts, tests
check: lint types contracts test

# the tests that need nothing but the checkout
test *args:
    uv run pytest "$@"

# lint and formatting
lint:
    uv run --group lint ruff check
    uv run --group lint ruff format --check

# types
types:
    uv run --group lint --group live mypy

# who may import whom
contracts:
    uv run --group lint lint-imports

# the tests against real servers: NATS, Kafka, S3 and SQS, and what else the group live installs
live *args:
    uv run --group live pytest -m live "$@"

# the tests that need the evaluation data or a browser
marked:
    uv run pytest -m "shared_data or browser"

# what detection costs here: events to vary, and rules
bench events rules *args:
    events="$1" rules="$2"; shift 2; uv run --group bench watchfloor bench detect "$events" --rules "$rules" "$@"

# pin the resolved versions into pyproject.toml
pin:
    uv run --no-project python tools/pin.py

# rewrite the expected output of every source's samples; read the difference
golden:
    uv run python tools/golden.py
