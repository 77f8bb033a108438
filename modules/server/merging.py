"""The checkpoint merger's route: it only submits; the job is watched like any other."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modules.contract.merge import MergeRequest, merge_request_from
from modules.server.routes import Threads

Submit = Callable[[MergeRequest, str], str]


class MergeAsked(BaseModel):
    """A merge that somebody wants."""

    request: dict[str, Any]
    owner: str = Field("", max_length=128)


def router(submit: Submit) -> APIRouter:
    """`submit` puts a merge into the queue for an owner and answers with the job's id."""
    routes = APIRouter(prefix="/webui")
    threads = Threads("merge-route", 2)

    @routes.post("/merge")
    async def merge(asked: MergeAsked) -> dict[str, str]:
        """Put a merge into the queue; the answer is the job's id. Its summary will name the new checkpoint."""
        return {"id": await threads.run(lambda: submit(merge_request_from(asked.request), asked.owner))}

    return routes
