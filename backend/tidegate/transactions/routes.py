"""HTTP door of the transactions room: parse, one verb call, shape the answer."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from tidegate.auth.subject import Subject, allow
from tidegate.database import utcnow
from tidegate.download import Format, download, files
from tidegate.idempotency import Keyed, keyed_optional, keyed_required, respond
from tidegate.problems import problems
from tidegate.refusal import Kind
from tidegate.transactions import books, history, leaving, reconcile, transfer, trial, withdraw
from tidegate.transactions.office import Office
from tidegate.transactions.request import Asked
from tidegate.transactions.request import request as request_withdrawal
from tidegate.transactions.schemas import (
    BooksOut,
    CheckOut,
    CloseIn,
    FreezeOut,
    ObstaclesOut,
    ReleaseIn,
    TransactionOut,
    TransferIn,
    TransferOut,
    TrialBalanceOut,
    Verdict,
    VerifyIn,
    WithdrawalIn,
    WithdrawalOut,
)
from tidegate.wire import Moment, Page, Paging

router = APIRouter(prefix="/transactions")
account_router = APIRouter(prefix="/account", tags=["account"])
audit_router = APIRouter(prefix="/audit", tags=["audit"])

Kinds = Literal["deposit", "withdrawal", "conversion", "transfer"]
SIGNED_IN = (Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.RATE_LIMITED, Kind.INVALID_REQUEST)


async def the_office(request: Request) -> Office:
    """The process's one office, put there at start by whoever builds the app."""
    office: Office = request.app.state.transactions
    return office


At = Annotated[Office, Depends(the_office)]
Reader = Annotated[Subject, Depends(allow("transactions.read"))]
Payer = Annotated[Subject, Depends(allow("transactions.withdraw"))]
Sender = Annotated[Subject, Depends(allow("transactions.withdraw", feature="transfers"))]
Anyone = Annotated[Subject, Depends(allow("account.read"))]
Owner = Annotated[Subject, Depends(allow("account.write"))]
Taker = Annotated[Subject, Depends(allow("account.read", limit="exports"))]
Auditor = Annotated[Subject, Depends(allow("audit.books"))]
Releaser = Annotated[Subject, Depends(allow("ops.pause"))]


@router.post(
    "/withdrawals",
    tags=["withdrawals"],
    operation_id="withdrawals_create",
    status_code=201,
    response_model=WithdrawalOut,
    responses=problems(
        *SIGNED_IN,
        Kind.MALFORMED,
        Kind.IDEMPOTENCY_KEY_MISSING,
        Kind.IDEMPOTENCY_KEY_REUSED,
        Kind.IN_PROGRESS,
        Kind.SECOND_FACTOR_REQUIRED,
        Kind.NOT_FOUND,
        Kind.QUOTE_EXPIRED,
        Kind.QUOTE_USED,
        Kind.QUOTE_KIND_MISMATCH,
        Kind.INVALID_ADDRESS,
        Kind.WRONG_NETWORK,
        Kind.OWN_ADDRESS,
        Kind.FORBIDDEN_ADDRESS,
        Kind.BENEFICIARY_COOLING_DOWN,
        Kind.INSUFFICIENT_FUNDS,
        Kind.LIMIT_EXCEEDED,
        Kind.REVIEW_REQUIRED,
        Kind.POLICY_BLOCKED,
        Kind.CONFLICT,
        Kind.BUSY,
    ),
)
async def create_withdrawal(
    body: WithdrawalIn, office: At, subject: Payer, keyed: Annotated[Keyed, Depends(keyed_required)]
) -> Response:
    """Accept a withdrawal quote. The debit is held from now on; nothing moves until the second factor is given."""
    asked = Asked(body.quote_id, body.address, body.beneficiary_id, body.reference)
    return respond(await request_withdrawal(office, subject, asked, keyed, utcnow()))


@router.get("/withdrawals", tags=["withdrawals"], operation_id="withdrawals_list", responses=problems(*SIGNED_IN))
async def list_withdrawals(
    office: At,
    subject: Reader,
    paging: Annotated[Paging, Depends()],
    state: Annotated[list[str] | None, Query(max_length=12)] = None,
    reference: Annotated[str | None, Query(max_length=64)] = None,
) -> Page[WithdrawalOut]:
    """Your withdrawals, newest first."""
    return await history.withdrawals(
        office,
        user_id=subject.user_id,
        limit=paging.limit,
        before=paging.before,
        states=state or (),
        reference=reference,
    )


@router.get(
    "/withdrawals/{withdrawal_id}",
    tags=["withdrawals"],
    operation_id="withdrawals_get",
    responses=problems(*SIGNED_IN, Kind.NOT_FOUND),
)
async def get_withdrawal(withdrawal_id: uuid.UUID, office: At, subject: Reader) -> WithdrawalOut:
    """Where the money of this withdrawal is now."""
    return await history.withdrawal(office, user_id=subject.user_id, withdrawal_id=withdrawal_id)


@router.post(
    "/withdrawals/{withdrawal_id}/verify",
    tags=["withdrawals"],
    operation_id="withdrawals_verify",
    responses=problems(
        *SIGNED_IN,
        Kind.MALFORMED,
        Kind.NOT_FOUND,
        Kind.POLICY_BLOCKED,
        Kind.CONFLICT,
        Kind.QUOTE_EXPIRED,
        Kind.INVALID_CODE,
        Kind.CODE_ALREADY_USED,
        Kind.SECOND_FACTOR_REQUIRED,
        Kind.IDEMPOTENCY_KEY_REUSED,
        Kind.IN_PROGRESS,
    ),
)
async def verify_withdrawal(
    withdrawal_id: uuid.UUID,
    body: VerifyIn,
    office: At,
    subject: Payer,
    keyed: Annotated[Keyed, Depends(keyed_optional)],
) -> Response:
    """Confirm exactly this withdrawal with your second factor. From here on it goes by itself."""
    return respond(await withdraw.verify(office, subject, withdrawal_id, body.code, keyed, utcnow()))


@router.post(
    "/withdrawals/{withdrawal_id}/cancel",
    tags=["withdrawals"],
    operation_id="withdrawals_cancel",
    responses=problems(*SIGNED_IN, Kind.MALFORMED, Kind.NOT_FOUND, Kind.CANNOT_CANCEL, Kind.CONFLICT),
)
async def cancel_withdrawal(withdrawal_id: uuid.UUID, office: At, subject: Payer) -> WithdrawalOut:
    """Cancel while it has not been signed; what is due comes back at once."""
    await withdraw.cancel(office, subject, withdrawal_id, utcnow())
    return await history.withdrawal(office, user_id=subject.user_id, withdrawal_id=withdrawal_id)


@router.post(
    "/transfers",
    tags=["transfers"],
    operation_id="transfers_create",
    status_code=201,
    response_model=TransferOut,
    responses=problems(
        *SIGNED_IN,
        Kind.MALFORMED,
        Kind.IDEMPOTENCY_KEY_MISSING,
        Kind.IDEMPOTENCY_KEY_REUSED,
        Kind.IN_PROGRESS,
        Kind.SECOND_FACTOR_REQUIRED,
        Kind.NOT_FOUND,
        Kind.UNKNOWN_ASSET,
        Kind.INVALID_AMOUNT,
        Kind.TOO_MANY_DECIMALS,
        Kind.INVALID_ADDRESS,
        Kind.WRONG_NETWORK,
        Kind.FORBIDDEN_ADDRESS,
        Kind.OWN_ADDRESS,
        Kind.INSUFFICIENT_FUNDS,
        Kind.LIMIT_EXCEEDED,
        Kind.REVIEW_REQUIRED,
        Kind.POLICY_BLOCKED,
        Kind.CONFLICT,
        Kind.BUSY,
    ),
)
async def create_transfer(
    body: TransferIn, office: At, subject: Sender, keyed: Annotated[Keyed, Depends(keyed_required)]
) -> Response:
    """Pay another user of this platform: free, and at once when you have confirmed it. The amount is held until then.

    The recipient is found by e-mail address or by one of their deposit addresses here.
    """
    asked = transfer.Asked(body.asset, body.amount, body.to_email, body.to_address, body.reference)
    return respond(await transfer.create(office, subject, asked, keyed, utcnow()))


@router.get("/transfers", tags=["transfers"], operation_id="transfers_list", responses=problems(*SIGNED_IN))
async def list_transfers(
    office: At,
    subject: Reader,
    paging: Annotated[Paging, Depends()],
    reference: Annotated[str | None, Query(max_length=64)] = None,
) -> Page[TransferOut]:
    """Internal transfers that you made and that came to you, newest first."""
    return await history.transfers(
        office, user_id=subject.user_id, limit=paging.limit, before=paging.before, reference=reference
    )


@router.get(
    "/transfers/{transfer_id}",
    tags=["transfers"],
    operation_id="transfers_get",
    responses=problems(*SIGNED_IN, Kind.NOT_FOUND),
)
async def get_transfer(transfer_id: uuid.UUID, office: At, subject: Reader) -> TransferOut:
    """One that you made, or that came to you."""
    return await history.transfer(office, user_id=subject.user_id, transfer_id=transfer_id)


@router.post(
    "/transfers/{transfer_id}/verify",
    tags=["transfers"],
    operation_id="transfers_verify",
    response_model=TransferOut,
    responses=problems(
        *SIGNED_IN,
        Kind.MALFORMED,
        Kind.NOT_FOUND,
        Kind.POLICY_BLOCKED,
        Kind.CONFLICT,
        Kind.QUOTE_EXPIRED,
        Kind.INVALID_CODE,
        Kind.CODE_ALREADY_USED,
        Kind.SECOND_FACTOR_REQUIRED,
        Kind.IDEMPOTENCY_KEY_REUSED,
        Kind.IN_PROGRESS,
        Kind.BUSY,
    ),
)
async def verify_transfer(
    transfer_id: uuid.UUID,
    body: VerifyIn,
    office: At,
    subject: Payer,
    keyed: Annotated[Keyed, Depends(keyed_optional)],
) -> Response:
    """Confirm exactly this internal transfer with your second factor. The recipient has the money with the answer."""
    return respond(await transfer.verify(office, subject, transfer_id, body.code, keyed, utcnow()))


@router.post(
    "/transfers/{transfer_id}/cancel",
    tags=["transfers"],
    operation_id="transfers_cancel",
    responses=problems(*SIGNED_IN, Kind.MALFORMED, Kind.NOT_FOUND, Kind.CANNOT_CANCEL, Kind.CONFLICT, Kind.BUSY),
)
async def cancel_transfer(transfer_id: uuid.UUID, office: At, subject: Payer) -> TransferOut:
    """Cancel before it is confirmed; the money comes back at once."""
    await transfer.cancel(office, subject, transfer_id, utcnow())
    return await history.transfer(office, user_id=subject.user_id, transfer_id=transfer_id)


@router.get("", tags=["transactions"], operation_id="transactions_list", responses=problems(*SIGNED_IN))
async def list_transactions(
    office: At,
    subject: Reader,
    paging: Annotated[Paging, Depends()],
    kind: Kinds | None = None,
    asset: Annotated[str | None, Query(max_length=16)] = None,
    reference: Annotated[str | None, Query(max_length=64)] = None,
) -> Page[TransactionOut]:
    """One history: deposits, withdrawals, conversions and internal transfers, newest first."""
    return await history.page(
        office,
        user_id=subject.user_id,
        limit=paging.limit,
        before=paging.before,
        kind=kind,
        asset=asset,
        reference=reference,
    )


@router.get(
    "/export",
    tags=["transactions"],
    operation_id="transactions_export",
    response_class=StreamingResponse,
    responses=problems(*SIGNED_IN) | files("The history as a file, newest first"),
)
async def export_transactions(
    office: At,
    subject: Reader,
    form: Annotated[Format, Query(alias="format")] = "json",
    kind: Kinds | None = None,
    asset: Annotated[str | None, Query(max_length=16)] = None,
    since: Annotated[Moment | None, Query(alias="from", description="Begun at or after this moment")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Begun before this moment")] = None,
) -> StreamingResponse:
    """Your whole history as a file: CSV or JSON."""
    rows = history.rows(office, user_id=subject.user_id, kind=kind, asset=asset, since=since, until=until)
    return download(form, "transactions", head={"from": since, "to": until}, columns=history.COLUMNS, rows=rows)


@audit_router.get(
    "/trial-balance",
    operation_id="audit_get_trial_balance",
    response_model=TrialBalanceOut,
    responses=problems(*SIGNED_IN) | trial.ANSWERS,
)
async def get_trial_balance(
    office: At,
    subject: Auditor,
    at: Annotated[Moment | None, Query(description="A past moment; now when left out")] = None,
    form: Annotated[Format, Query(alias="format")] = "json",
) -> Response:
    """What every kind of account stands at, over all owners, now or at a past moment. JSON or CSV."""
    return trial.answer(await trial.balance(office.db, at=at), form)


@audit_router.get("/books", operation_id="audit_get_books", responses=problems(*SIGNED_IN))
async def get_books(office: At, subject: Anyone) -> BooksOut:
    """When the books were last checked, and whether what we have equals what we owe, in every asset."""
    return await books.last(office)


@audit_router.get("/checks", operation_id="audit_list_checks", responses=problems(*SIGNED_IN))
async def list_checks(
    office: At,
    subject: Auditor,
    paging: Annotated[Paging, Depends()],
    verdict: Verdict | None = None,
) -> Page[CheckOut]:
    """Every run of the reconciliation, newest first: kept for a month, exact ones for two days."""
    return await reconcile.page(office, verdict=verdict, limit=paging.limit, before=paging.before)


@audit_router.get("/freezes", operation_id="audit_list_freezes", responses=problems(*SIGNED_IN))
async def list_freezes(office: At, subject: Auditor) -> Page[FreezeOut]:
    """What the house itself stopped, newest first, released ones too; the newest hundred."""
    return await reconcile.freezes(office)


@audit_router.post(
    "/freezes/{freeze_id}/release",
    operation_id="audit_release_freeze",
    responses=problems(*SIGNED_IN, Kind.MALFORMED, Kind.NOT_FOUND, Kind.CONFLICT),
)
async def release_freeze(freeze_id: uuid.UUID, body: ReleaseIn, office: At, subject: Releaser) -> FreezeOut:
    """Let payouts go on. A conflict, unless forced, while the newest check still speaks against it."""
    return await reconcile.release_one(
        office, freeze_id=freeze_id, by=subject.email, reason=body.reason, force=body.force
    )


@account_router.get(
    "/data",
    operation_id="account_export",
    response_class=StreamingResponse,
    responses={
        **problems(*SIGNED_IN),
        200: {
            "description": "Everything, as one object",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
    },
)
async def export_account(office: At, subject: Taker, request: Request) -> StreamingResponse:
    """Everything we know of your account as one JSON file, written while it is sent. No secrets: we cannot tell them."""
    rooms = leaving.Rooms(request.app.state.gate, office, request.app.state.webhooks)
    headers = {"Content-Disposition": 'attachment; filename="account.json"'}
    body = leaving.everything(rooms, subject, now=utcnow())
    return StreamingResponse(body, media_type="application/json", headers=headers)


@account_router.get("/obstacles", operation_id="account_list_obstacles", responses=problems(*SIGNED_IN))
async def list_obstacles(office: At, subject: Anyone) -> ObstaclesOut:
    """What stands in the way of closing the account."""
    return ObstaclesOut(reasons=await leaving.obstacles(office, subject))


@account_router.post(
    "/close",
    operation_id="account_close",
    status_code=204,
    responses=problems(
        *SIGNED_IN,
        Kind.MALFORMED,
        Kind.INVALID_CREDENTIALS,
        Kind.MFA_REQUIRED,
        Kind.INVALID_CODE,
        Kind.CODE_ALREADY_USED,
        Kind.CONFLICT,
        Kind.BUSY,
    ),
)
async def close_account(body: CloseIn, office: At, subject: Owner, request: Request) -> Response:
    """Close the account for good and sign out everywhere; `reasons` say what is still in it. The books are kept."""
    await leaving.close(
        request.app.state.gate,
        office,
        subject,
        password=body.current_password.get_secret_value(),
        code=body.totp_code,
        now=utcnow(),
    )
    return Response(status_code=204)
