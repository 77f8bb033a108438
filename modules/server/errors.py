"""Errors as a client gets them: A1111's four fields, and never a traceback or a path of this machine."""

import logging
import secrets

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from modules.contract.errors import TooBusy, Unavailable, WebuiError

log = logging.getLogger(__name__)

RETRY_SECONDS = "5"


def body_of(error: str, detail: object, errors: str = "", hint: str = "") -> dict[str, object]:
    """A1111's form: the kind of error, what is wrong, and the whole text; and what to do, where that is known."""
    body: dict[str, object] = {"error": error, "detail": detail, "body": "", "errors": errors}
    return {**body, "hint": hint} if hint else body


def answer(error: WebuiError) -> JSONResponse:
    """What a person can act on, with its status; a full queue says when to come again."""
    headers = {"Retry-After": RETRY_SECONDS} if isinstance(error, TooBusy | Unavailable) else None
    return JSONResponse(body_of(type(error).__name__, error.message, str(error), error.hint), error.status, headers)


def answer_unknown(error: Exception) -> JSONResponse:
    """A bug: the log has it under a short id, the client gets the id."""
    short = secrets.token_hex(2)
    log.error("Request failed (id %s)", short, exc_info=error)
    text = f"Something went wrong (id {short}); the log has the details."
    return JSONResponse(body_of(type(error).__name__, text, text), 500)


def install(app: FastAPI) -> None:
    """Have `app` answer all errors of its routes in this form.

    Wrong types keep FastAPI's form with status 422, without the values that were sent; unknown addresses keep Starlette's.
    """

    async def known(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, WebuiError)
        return answer(error)

    async def unknown(request: Request, error: Exception) -> JSONResponse:
        return answer_unknown(error)

    async def gone(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(body_of("ClientDisconnect", "The request was cut short."), 400)

    async def raised(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return JSONResponse(body_of("HTTPException", error.detail), error.status_code, error.headers)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        problems = [{"loc": problem["loc"], "msg": problem["msg"], "type": problem["type"]} for problem in error.errors()]
        return JSONResponse({"detail": problems}, 422)

    app.add_exception_handler(WebuiError, known)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(HTTPException, raised)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, unknown)
