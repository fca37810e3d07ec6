"""How the domain says no. A refusal is an answer, not a failure: nothing was changed, nobody is paged."""

from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """Why something was refused; each value is the wire's `code` (API.md) and is known to problems.py."""

    IDEMPOTENCY_KEY_MISSING = "idempotency_key_missing"
    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    MFA_REQUIRED = "mfa_required"
    INVALID_CREDENTIALS = "invalid_credentials"
    FORBIDDEN = "forbidden"
    SECOND_FACTOR_REQUIRED = "second_factor_required"
    POLICY_BLOCKED = "policy_blocked"
    LIMIT_EXCEEDED = "limit_exceeded"
    REVIEW_REQUIRED = "review_required"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    QUOTE_EXPIRED = "quote_expired"
    QUOTE_USED = "quote_used"
    CANNOT_CANCEL = "cannot_cancel"
    BENEFICIARY_COOLING_DOWN = "beneficiary_cooling_down"
    CONFLICT = "conflict"
    IN_PROGRESS = "in_progress"
    INVALID_REQUEST = "invalid_request"
    INVALID_AMOUNT = "invalid_amount"
    TOO_MANY_DECIMALS = "too_many_decimals"
    UNKNOWN_ASSET = "unknown_asset"
    UNKNOWN_NETWORK = "unknown_network"
    INVALID_ADDRESS = "invalid_address"
    WRONG_NETWORK = "wrong_network"
    OWN_ADDRESS = "own_address"
    FORBIDDEN_ADDRESS = "forbidden_address"
    BELOW_MINIMUM = "below_minimum"
    QUOTE_KIND_MISMATCH = "quote_kind_mismatch"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    INVALID_CODE = "invalid_code"
    CODE_ALREADY_USED = "code_already_used"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    VENUE_UNAVAILABLE = "venue_unavailable"
    BUSY = "busy"


class Refusal(Exception):
    """Raised by rules and verbs; turned into a problem at the edge. `fields` are the problem's typed extras."""

    def __init__(self, kind: Kind, detail: str, **fields: Any) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.fields = fields
