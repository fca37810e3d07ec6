"""HTTP door of what links do: cancelling by mail, following a payment; and of a withdrawal's receipt."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from tidegate.auth import links
from tidegate.auth.gate import Gate, the_gate
from tidegate.auth.subject import Subject, allow, client_address
from tidegate.database import utcnow
from tidegate.idempotency import Keyed, keyed_optional, respond
from tidegate.problems import problems
from tidegate.refusal import Kind
from tidegate.transactions import by_link, receipt, tracking
from tidegate.transactions.office import Office
from tidegate.transactions.schemas import CancellableOut, LinkIn, TrackedOut, TrackingOut

router = APIRouter(prefix="/transactions")

SIGNED_IN = (Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.RATE_LIMITED, Kind.INVALID_REQUEST)
BY_LINK = (Kind.MALFORMED, Kind.INVALID_REQUEST, Kind.NOT_FOUND, Kind.RATE_LIMITED)
PDF = {"type": "string", "format": "binary"}
PUBLIC = [Depends(allow("public"))]


async def the_office(request: Request) -> Office:
    """The process's one office, put there at start by whoever builds the app."""
    office: Office = request.app.state.transactions
    return office


async def few(request: Request, gate: Annotated[Gate, Depends(the_gate)]) -> None:
    """Looks at links are counted by network."""
    await links.take(gate, client_address(request), now=utcnow())


At = Annotated[Office, Depends(the_office)]
Reader = Annotated[Subject, Depends(allow("transactions.read"))]
Payer = Annotated[Subject, Depends(allow("transactions.withdraw"))]
OPEN = [*PUBLIC, Depends(few)]


@router.post(
    "/links/cancel/look",
    tags=["links"],
    operation_id="links_look_cancel",
    dependencies=OPEN,
    responses=problems(*BY_LINK),
)
async def look_cancel(body: LinkIn, office: At) -> CancellableOut:
    """What the cancel link of a mail is about. Changes nothing."""
    return await by_link.look(office, body.token.get_secret_value(), utcnow())


@router.post(
    "/links/cancel",
    tags=["links"],
    operation_id="links_cancel",
    dependencies=OPEN,
    responses=problems(*BY_LINK, Kind.CANNOT_CANCEL, Kind.CONFLICT),
)
async def cancel_by_link(body: LinkIn, office: At) -> CancellableOut:
    """Cancel that withdrawal while it has not been signed. Again is fine."""
    return await by_link.cancel(office, body.token.get_secret_value(), utcnow())


@router.post(
    "/links/track", tags=["links"], operation_id="links_track", dependencies=OPEN, responses=problems(*BY_LINK)
)
async def track(body: LinkIn, office: At, response: Response) -> TrackedOut:
    """How far a payment is, for its recipient. Nothing of the account that pays."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return await tracking.follow(office, body.token.get_secret_value(), utcnow())


@router.get(
    "/withdrawals/{withdrawal_id}/receipt.pdf",
    tags=["withdrawals"],
    operation_id="withdrawals_get_receipt",
    response_class=Response,
    responses=problems(*SIGNED_IN, Kind.NOT_FOUND)
    | {200: {"description": "A PDF", "content": {"application/pdf": {"schema": PDF}}}},
)
async def get_receipt(
    withdrawal_id: uuid.UUID,
    office: At,
    subject: Annotated[Subject, Depends(allow("transactions.read", limit="receipts"))],
) -> Response:
    """The receipt as PDF: where it went, each fee, when, and what our books say. Also of what was not sent, which it says."""
    raw = await receipt.receipt(office, user_id=subject.user_id, withdrawal_id=withdrawal_id, now=utcnow())
    named = {"Content-Disposition": f'attachment; filename="receipt-{withdrawal_id}.pdf"'}
    return Response(raw, media_type="application/pdf", headers=named)


@router.post(
    "/withdrawals/{withdrawal_id}/tracking",
    tags=["withdrawals"],
    operation_id="withdrawals_create_tracking",
    status_code=201,
    response_model=TrackingOut,
    responses=problems(
        *SIGNED_IN, Kind.MALFORMED, Kind.NOT_FOUND, Kind.CONFLICT, Kind.IDEMPOTENCY_KEY_REUSED, Kind.IN_PROGRESS
    ),
)
async def create_tracking(
    withdrawal_id: uuid.UUID, office: At, subject: Payer, keyed: Annotated[Keyed, Depends(keyed_optional)]
) -> Response:
    """A read-only link for the recipient, for 30 days; the one there is while it works."""
    return respond(
        await tracking.create(office, user_id=subject.user_id, withdrawal_id=withdrawal_id, keyed=keyed, now=utcnow())
    )


@router.get(
    "/withdrawals/{withdrawal_id}/tracking",
    tags=["withdrawals"],
    operation_id="withdrawals_get_tracking",
    responses=problems(*SIGNED_IN, Kind.NOT_FOUND),
)
async def get_tracking(withdrawal_id: uuid.UUID, office: At, subject: Reader) -> TrackingOut:
    """The tracking link, nulls when there is none that works."""
    return await tracking.get(office, user_id=subject.user_id, withdrawal_id=withdrawal_id, now=utcnow())


@router.delete(
    "/withdrawals/{withdrawal_id}/tracking",
    tags=["withdrawals"],
    operation_id="withdrawals_revoke_tracking",
    status_code=204,
    responses=problems(*SIGNED_IN, Kind.NOT_FOUND),
)
async def revoke_tracking(withdrawal_id: uuid.UUID, office: At, subject: Payer) -> Response:
    """The link leads nowhere from now on."""
    await tracking.revoke(office, user_id=subject.user_id, withdrawal_id=withdrawal_id, now=utcnow())
    return Response(status_code=204)
