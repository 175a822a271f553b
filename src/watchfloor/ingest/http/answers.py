"""Answers."""

from typing import Any

import orjson
from starlette.responses import Response


def answer(content: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(content), status, headers, media_type="application/json")
