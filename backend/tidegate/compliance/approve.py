"""Approvals: asking people, their answers, and what the answers amount to. Bound to a digest of the content."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate import failpoints, idempotency
from tidegate.compliance import rules, store
from tidegate.compliance.rules import Answer, Standing
from tidegate.compliance.schemas import ApprovalOut
from tidegate.compliance.tables import ApprovalRequest
from tidegate.database import Database, Rider, new_id, ride, utcnow
from tidegate.idempotency import Keyed, Stored
from tidegate.refusal import Kind, Refusal
from tidegate.wire import Cursor, Page, next_cursor

OPERATION = "compliance_decide_approval"


def ask(
    *,
    kind: str,
    subject_id: uuid.UUID,
    digest: str,
    requester: uuid.UUID,
    summary: dict[str, Any],
    needed: int,
    now: datetime,
) -> Rider:
    """The rider that puts something before the approvers. Asking again for the same content changes nothing."""
    row = {
        "id": new_id(),
        "kind": kind,
        "subject_id": subject_id,
        "digest": digest,
        "requester": requester,
        "summary": summary,
        "needed": needed,
        "state": Standing.PENDING,
        "created_at": now,
    }
    return store.insert_request(row)


async def verdict(session: AsyncSession, *, kind: str, subject_id: uuid.UUID, digest: str) -> Standing | None:
    """Where the approval of exactly this content stands; None when nobody was asked."""
    row = await store.find_request(session, kind=kind, subject_id=subject_id, digest=digest)
    return None if row is None else Standing(row.state)


async def decide(
    db: Database,
    *,
    request_id: uuid.UUID,
    approver: uuid.UUID,
    verdict: str,
    digest: str,
    reason: str,
    keyed: Keyed,
) -> Stored:
    """One person's answer. Refuses: unknown (NOT_FOUND), one's own (FORBIDDEN), decided or other content (CONFLICT)."""
    known = await idempotency.replay(db, keyed, user_id=approver, operation=OPERATION)
    if known is not None:
        return known
    try:
        return await _decide(db, request_id, approver, Answer(verdict), digest, reason, keyed)
    except Refusal:
        # What a twin with the same key stood in the way of is not refused: the twin's answer is ours.
        twin = await idempotency.replay(db, keyed, user_id=approver, operation=OPERATION)
        if twin is None:
            raise
        return twin


async def _decide(
    db: Database, request_id: uuid.UUID, approver: uuid.UUID, given: Answer, digest: str, reason: str, keyed: Keyed
) -> Stored:
    now = utcnow()
    async with db.transaction() as session:
        row = await store.lock_request(session, request_id=request_id)
        if row is None:
            raise Refusal(Kind.NOT_FOUND, "There is no such request.")
        _check(row, approver, digest)
        before = (await store.answers(session, request_ids=[row.id]))[row.id]
        if approver in before:
            raise Refusal(Kind.CONFLICT, "You have answered this before.")
        after = before | {approver: given}
        stands = rules.standing(row.needed, after)
        answer = {
            "id": new_id(),
            "request_id": row.id,
            "requester": row.requester,
            "approver": approver,
            "verdict": given,
            "reason": reason,
            "at": now,
        }
        riders = [store.insert_answer(answer)]
        decided_at = None
        if stands is not Standing.PENDING:
            decided_at = now
            riders.append(store.set_standing(request_id=row.id, state=stands, at=now))
        told = Stored(200, _shape(row, after, stands, decided_at).model_dump_json().encode())
        riders += keyed.rider(user_id=approver, operation=OPERATION, answer=told)
        if await ride(session, riders) is not None:
            raise Refusal(Kind.CONFLICT, "Somebody was faster; read it again.")
        failpoints.reach("P7.approval:before")
    failpoints.reach("P7.approval:after")
    return told


def _check(row: ApprovalRequest, approver: uuid.UUID, digest: str) -> None:
    if row.requester == approver:
        raise Refusal(Kind.FORBIDDEN, "Nobody approves their own request.")
    if row.digest != digest:
        raise Refusal(Kind.CONFLICT, "This is not the content that waits for approval.", field="digest")
    if row.state != Standing.PENDING:
        raise Refusal(Kind.CONFLICT, "This was decided before.")


def _shape(
    row: ApprovalRequest, given: dict[uuid.UUID, Answer], stands: Standing, decided_at: datetime | None
) -> ApprovalOut:
    return ApprovalOut(
        id=row.id,
        kind=row.kind,
        subject_id=row.subject_id,
        digest=row.digest,
        summary=row.summary,
        state=stands.value,
        needed=row.needed,
        approved_by=sum(1 for one in given.values() if one is Answer.APPROVE),
        created_at=row.created_at,
        decided_at=decided_at,
    )


async def page(db: Database, *, state: str | None, limit: int, before: Cursor | None) -> Page[ApprovalOut]:
    """Requests, newest first."""
    async with db.reading() as session:
        rows = await store.page_of_requests(session, state=state, before=before, limit=limit)
        given = await store.answers(session, request_ids=[row.id for row in rows])
    items = [_shape(row, given[row.id], Standing(row.state), row.decided_at) for row in rows]
    return Page(items=items, next_cursor=next_cursor([(row.created_at, row.id) for row in rows], limit))
