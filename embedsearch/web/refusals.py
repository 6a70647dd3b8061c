"""Requests that are not done, and how that is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.responses import Response


class Refusal(Exception):  # noqa: N818 - it is answered, not an error of ours
    """A request that is not done.

    Attributes:
        status: of HTTP.
        code: a word for programs.
    """

    def __init__(self, status: int, message: str, code: str = "invalid_request") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def refused(refusal: Refusal) -> Response:
    """Return the response to a request that is not done."""
    from starlette.responses import JSONResponse

    kind = "server_error" if refusal.status >= 500 else "invalid_request_error"
    error = {"message": str(refusal), "type": kind, "param": None, "code": refusal.code}
    return JSONResponse({"error": error}, refusal.status)
