"""HTTP door of the compliance desk: parse, one verb call, shape the answer."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response

from tidegate.auth.subject import Subject, allow
from tidegate.compliance import approve, pause
from tidegate.compliance.schemas import ApprovalIn, ApprovalOut, PauseIn, PauseOut
from tidegate.database import Database
from tidegate.idempotency import Keyed, keyed_optional, respond
from tidegate.problems import problems
from tidegate.refusal import Kind
from tidegate.wire import Page, Paging

router = APIRouter(prefix="/compliance", tags=["compliance"])

SIGNED_IN = (Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.RATE_LIMITED, Kind.INVALID_REQUEST)


async def the_database(request: Request) -> Database:
    """The process's database, put there at start by whoever builds the app."""
    db: Database = request.app.state.database
    return db


Db = Annotated[Database, Depends(the_database)]
Approver = Annotated[Subject, Depends(allow("compliance.approve"))]
Pauser = Annotated[Subject, Depends(allow("ops.pause"))]


@router.get("/approvals", operation_id="compliance_list_approvals", responses=problems(*SIGNED_IN))
async def list_approvals(
    db: Db,
    subject: Approver,
    paging: Annotated[Paging, Depends()],
    state: Literal["pending", "approved", "rejected"] | None = None,
) -> Page[ApprovalOut]:
    """What waits, or waited, for a person's yes, newest first."""
    return await approve.page(db, state=state, limit=paging.limit, before=paging.before)


@router.post(
    "/approvals/{approval_id}",
    operation_id="compliance_decide_approval",
    response_model=ApprovalOut,
    responses=problems(
        *SIGNED_IN, Kind.MALFORMED, Kind.IDEMPOTENCY_KEY_REUSED, Kind.IN_PROGRESS, Kind.NOT_FOUND, Kind.CONFLICT
    ),
)
async def decide_approval(
    approval_id: uuid.UUID,
    body: ApprovalIn,
    db: Db,
    subject: Approver,
    keyed: Annotated[Keyed, Depends(keyed_optional)],
) -> Response:
    """Say yes or no. Nobody decides about a request of their own."""
    return respond(
        await approve.decide(
            db,
            request_id=approval_id,
            approver=subject.user_id,
            verdict=body.verdict,
            digest=body.digest,
            reason=body.reason,
            keyed=keyed,
        )
    )


@router.get("/pauses", operation_id="compliance_list_pauses", responses=problems(*SIGNED_IN))
async def list_pauses(db: Db, subject: Pauser) -> Page[PauseOut]:
    """What stands still now, and why."""
    async with db.reading() as session:
        found = await pause.standing(session)
    return Page(items=[PauseOut(asset=p.asset, paused_at=p.paused_at, by=p.by, reason=p.reason) for p in found])


@router.put(
    "/pauses/{asset}",
    operation_id="compliance_pause",
    responses=problems(*SIGNED_IN, Kind.MALFORMED, Kind.UNKNOWN_ASSET),
)
async def put_pause(asset: str, body: PauseIn, db: Db, subject: Pauser) -> PauseOut:
    """Stop payouts and credits of an asset, or of all with `*`. Pausing again keeps the first pause."""
    made = await pause.pause(db, asset=asset, by=subject.email, reason=body.reason)
    return PauseOut(asset=made.asset, paused_at=made.paused_at, by=made.by, reason=made.reason)


@router.delete(
    "/pauses/{asset}",
    operation_id="compliance_resume",
    status_code=204,
    responses=problems(*SIGNED_IN, Kind.UNKNOWN_ASSET, Kind.CONFLICT),
)
async def delete_pause(asset: str, db: Db, subject: Pauser) -> Response:
    """Go on. Resuming what is not paused is fine; what the house itself froze is released, not resumed."""
    await pause.resume(db, asset=asset, by=subject.email)
    return Response(status_code=204)
