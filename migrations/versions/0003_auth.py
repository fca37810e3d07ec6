"""auth: people, roles as rows, sessions, refresh tokens, second factors, rate counters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003_auth"
down_revision = "0002_ledger"
branch_labels = None
depends_on = None

OWN_ACCOUNT = ("account.read", "account.write", "events.read")
ROLES = {
    "customer": (
        *OWN_ACCOUNT,
        "wallets.read",
        "wallets.write",
        "exchange.quote",
        "exchange.convert",
        "transactions.read",
        "transactions.withdraw",
    ),
    "support": OWN_ACCOUNT,
    "compliance_officer": (*OWN_ACCOUNT, "compliance.approve", "ops.withdrawals"),
    "approver": (*OWN_ACCOUNT, "compliance.approve"),
    "treasurer": (*OWN_ACCOUNT, "ops.withdrawals", "ops.pause", "audit.books"),
    "auditor": (*OWN_ACCOUNT, "audit.books"),
    "administrator": (*OWN_ACCOUNT, "ops.withdrawals", "ops.pause", "audit.books"),
}

APPEND_ONLY = """
CREATE FUNCTION auth_append_only() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    RAISE EXCEPTION '% on % is refused: a used code stays used', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$function$
"""

STEP_GUARD = """
CREATE FUNCTION auth_step_guard() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF OLD.confirmed_at IS NOT NULL AND NEW.last_step < OLD.last_step THEN
        RAISE EXCEPTION 'the last accepted step only grows' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$function$
"""


def _user_fk(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id_users"), ondelete="CASCADE"
    )


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("email_canonical", sa.String(), nullable=False),
        sa.Column("email_confirmed_at", moment, nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("password_changed_at", moment, nullable=False),
        sa.Column("language", sa.String(), server_default=sa.text("'en'"), nullable=False),
        sa.Column("currency", sa.String(), server_default=sa.text("'USD'"), nullable=False),
        sa.Column("notices", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("frozen_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email_canonical", name=op.f("uq_users_email_canonical")),
    )
    op.create_table(
        "roles", sa.Column("name", sa.String(), nullable=False), sa.PrimaryKeyConstraint("name", name=op.f("pk_roles"))
    )
    op.create_table(
        "role_permissions",
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("permission", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["role"], ["roles.name"], name=op.f("fk_role_permissions_role_roles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("role", "permission", name=op.f("pk_role_permissions")),
    )
    op.create_table(
        "user_roles",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("granted_at", moment, nullable=False),
        _user_fk("user_roles"),
        sa.ForeignKeyConstraint(["role"], ["roles.name"], name=op.f("fk_user_roles_role_roles")),
        sa.PrimaryKeyConstraint("user_id", "role", name=op.f("pk_user_roles")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("credential", sa.String(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=True),
        sa.Column("previous_digest", sa.LargeBinary(), nullable=True),
        sa.Column("rotated_at", moment, nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("last_seen_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("second_factor_at", moment, nullable=True),
        sa.Column("revoked_at", moment, nullable=True),
        sa.CheckConstraint("credential IN ('cookie', 'bearer')", name=op.f("ck_sessions_credential_known")),
        sa.CheckConstraint(
            "(credential = 'cookie') = (token_digest IS NOT NULL)", name=op.f("ck_sessions_cookie_has_token")
        ),
        _user_fk("sessions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_sessions_token_digest")),
    )
    op.create_index("ix_sessions_user_id_created_at", "sessions", ["user_id", "created_at"])
    op.create_index(
        "ix_sessions_previous_digest",
        "sessions",
        ["previous_digest"],
        postgresql_where=sa.text("previous_digest IS NOT NULL"),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("device_digest", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("used_at", moment, nullable=True),
        sa.Column("successor_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_refresh_tokens_session_id_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_tokens")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_refresh_tokens_token_digest")),
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"])
    op.create_table(
        "totp_factors",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("confirmed_at", moment, nullable=True),
        sa.Column("last_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _user_fk("totp_factors"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_totp_factors")),
    )
    op.create_table(
        "totp_uses",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("used_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_totp_uses_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "step", name=op.f("pk_totp_uses")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("used_at", moment, nullable=True),
        _user_fk("recovery_codes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint("user_id", "digest", name=op.f("uq_recovery_codes_user_id_digest")),
    )
    op.create_table(
        "rate_counters",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("spent_until", moment, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_counters")),
        prefixes=["UNLOGGED"],
    )
    op.execute(APPEND_ONLY)
    op.execute(STEP_GUARD)
    op.execute(
        "CREATE TRIGGER totp_uses_rows BEFORE UPDATE OR DELETE ON totp_uses "
        "FOR EACH ROW EXECUTE FUNCTION auth_append_only()"
    )
    op.execute(
        "CREATE TRIGGER totp_uses_truncate BEFORE TRUNCATE ON totp_uses "
        "FOR EACH STATEMENT EXECUTE FUNCTION auth_append_only()"
    )
    op.execute(
        "CREATE TRIGGER totp_factors_step BEFORE UPDATE ON totp_factors FOR EACH ROW EXECUTE FUNCTION auth_step_guard()"
    )
    _seed_roles()


def _seed_roles() -> None:
    roles = sa.table("roles", sa.column("name", sa.String()))
    permissions = sa.table("role_permissions", sa.column("role", sa.String()), sa.column("permission", sa.String()))
    op.bulk_insert(roles, [{"name": role} for role in ROLES])
    op.bulk_insert(
        permissions, [{"role": role, "permission": one} for role, held in ROLES.items() for one in sorted(held)]
    )


def downgrade() -> None:
    for table in (
        "rate_counters",
        "recovery_codes",
        "totp_uses",
        "totp_factors",
        "refresh_tokens",
        "sessions",
        "user_roles",
        "role_permissions",
        "roles",
        "users",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION auth_step_guard()")
    op.execute("DROP FUNCTION auth_append_only()")
