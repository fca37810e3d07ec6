"""Contains all the data models used in inputs/outputs"""

from .accept_in import AcceptIn
from .account_export_response_200 import AccountExportResponse200
from .address_in import AddressIn
from .address_out import AddressOut
from .alternative_out import AlternativeOut
from .alternative_out_hindered_type_0 import AlternativeOutHinderedType0
from .amount_out import AmountOut
from .answer_out import AnswerOut
from .approval_in import ApprovalIn
from .approval_in_verdict import ApprovalInVerdict
from .approval_out import ApprovalOut
from .approval_out_state import ApprovalOutState
from .approval_out_summary import ApprovalOutSummary
from .arrives_by_out import ArrivesByOut
from .asset_out import AssetOut
from .attempt_out import AttemptOut
from .audit_get_trial_balance_format import AuditGetTrialBalanceFormat
from .audit_list_checks_verdict_type_0 import AuditListChecksVerdictType0
from .balance_out import BalanceOut
from .beneficiary_in import BeneficiaryIn
from .beneficiary_out import BeneficiaryOut
from .beneficiary_out_state import BeneficiaryOutState
from .beneficiary_patch import BeneficiaryPatch
from .best_execution_out import BestExecutionOut
from .best_execution_out_side import BestExecutionOutSide
from .book_seen_out import BookSeenOut
from .books_asset_out import BooksAssetOut
from .books_out import BooksOut
from .brand_out import BrandOut
from .cancellable_out import CancellableOut
from .candle_out import CandleOut
from .candle_source_out import CandleSourceOut
from .candles_out import CandlesOut
from .candles_out_interval import CandlesOutInterval
from .challenge_out import ChallengeOut
from .chaos_in import ChaosIn
from .chaos_in_fault import ChaosInFault
from .chaos_item import ChaosItem
from .chaos_list import ChaosList
from .check_out import CheckOut
from .check_out_report import CheckOutReport
from .check_out_verdict import CheckOutVerdict
from .close_in import CloseIn
from .compliance_list_approvals_state_type_0 import ComplianceListApprovalsStateType0
from .config_get_words_response_config_get_words import ConfigGetWordsResponseConfigGetWords
from .config_out import ConfigOut
from .config_out_mode import ConfigOutMode
from .confirm_in import ConfirmIn
from .confirm_totp_in import ConfirmTotpIn
from .conversion_detail_out import ConversionDetailOut
from .conversion_in import ConversionIn
from .conversion_out import ConversionOut
from .delivery_out import DeliveryOut
from .demo_code import DemoCode
from .demo_codes import DemoCodes
from .dependency import Dependency
from .deposit_out import DepositOut
from .deposit_out_finality_type_0 import DepositOutFinalityType0
from .deposit_out_reason_type_0 import DepositOutReasonType0
from .deposit_out_state import DepositOutState
from .deposit_tier_out import DepositTierOut
from .deposit_tier_out_finality_type_0 import DepositTierOutFinalityType0
from .deposits_list_state_type_0 import DepositsListStateType0
from .email_confirmed_out import EmailConfirmedOut
from .email_in import EmailIn
from .email_waiting_out import EmailWaitingOut
from .endpoint_in import EndpointIn
from .endpoint_out import EndpointOut
from .endpoint_out_disabled_type_0 import EndpointOutDisabledType0
from .endpoint_patch import EndpointPatch
from .endpoint_with_secret import EndpointWithSecret
from .endpoint_with_secret_disabled_type_0 import EndpointWithSecretDisabledType0
from .endpoints_out import EndpointsOut
from .estimate_out import EstimateOut
from .event_log_out import EventLogOut
from .event_out import EventOut
from .exchange_list_candles_interval import ExchangeListCandlesInterval
from .face_out import FaceOut
from .face_out_style import FaceOutStyle
from .faucet_in import FaucetIn
from .faucet_out import FaucetOut
from .features_out import FeaturesOut
from .fee_out import FeeOut
from .fee_out_kind import FeeOutKind
from .fill_out import FillOut
from .freezable_out import FreezableOut
from .freeze_out import FreezeOut
from .freeze_out_cause import FreezeOutCause
from .freeze_out_found import FreezeOutFound
from .hold_out import HoldOut
from .hold_out_reason import HoldOutReason
from .intent_out import IntentOut
from .invoice import Invoice
from .language_out import LanguageOut
from .language_out_direction import LanguageOutDirection
from .limit_out import LimitOut
from .link_in import LinkIn
from .links_out import LinksOut
from .listed_asset_out import ListedAssetOut
from .listed_network_out import ListedNetworkOut
from .live_out import LiveOut
from .logged_change_out import LoggedChangeOut
from .login_in import LoginIn
from .mail_item import MailItem
from .mail_list import MailList
from .market_out import MarketOut
from .markets_out import MarketsOut
from .me_in import MeIn
from .me_out import MeOut
from .mine_in import MineIn
from .mine_out import MineOut
from .move_out import MoveOut
from .move_out_purpose import MoveOutPurpose
from .move_out_state import MoveOutState
from .network_terms_out import NetworkTermsOut
from .notice_out import NoticeOut
from .notice_out_tone import NoticeOutTone
from .notices_in import NoticesIn
from .notices_out import NoticesOut
from .obstacles_out import ObstaclesOut
from .order_out import OrderOut
from .order_out_side import OrderOutSide
from .page_address_out import PageAddressOut
from .page_approval_out import PageApprovalOut
from .page_asset_out import PageAssetOut
from .page_balance_out import PageBalanceOut
from .page_beneficiary_out import PageBeneficiaryOut
from .page_check_out import PageCheckOut
from .page_conversion_out import PageConversionOut
from .page_delivery_out import PageDeliveryOut
from .page_deposit_out import PageDepositOut
from .page_freeze_out import PageFreezeOut
from .page_move_out import PageMoveOut
from .page_pause_out import PagePauseOut
from .page_proposal_out import PageProposalOut
from .page_session_out import PageSessionOut
from .page_statement_line_out import PageStatementLineOut
from .page_transaction_out import PageTransactionOut
from .page_transfer_out import PageTransferOut
from .page_venue_move_out import PageVenueMoveOut
from .page_wallet_out import PageWalletOut
from .page_withdrawal_out import PageWithdrawalOut
from .password_in import PasswordIn
from .pause_in import PauseIn
from .pause_out import PauseOut
from .payment_out import PaymentOut
from .place_out import PlaceOut
from .planned_out import PlannedOut
from .planned_out_side import PlannedOutSide
from .policy_out import PolicyOut
from .problem import Problem
from .proposal_out import ProposalOut
from .proposal_out_kind import ProposalOutKind
from .proposal_out_state import ProposalOutState
from .quote_in import QuoteIn
from .quote_in_kind import QuoteInKind
from .quote_in_side import QuoteInSide
from .quote_in_speed_type_0 import QuoteInSpeedType0
from .quote_out import QuoteOut
from .quote_out_kind import QuoteOutKind
from .quote_out_side import QuoteOutSide
from .quote_out_speed_type_0 import QuoteOutSpeedType0
from .quote_out_state import QuoteOutState
from .rate_out import RateOut
from .ready_out import ReadyOut
from .realised_leg_out import RealisedLegOut
from .realised_out import RealisedOut
from .receipt_out import ReceiptOut
from .receipt_out_hedge import ReceiptOutHedge
from .recovery_codes_out import RecoveryCodesOut
from .refresh_in import RefreshIn
from .refund_rule_out import RefundRuleOut
from .refund_rule_out_fees_kept_item import RefundRuleOutFeesKeptItem
from .register_in import RegisterIn
from .registered_out import RegisteredOut
from .registration_taken_out import RegistrationTakenOut
from .release_in import ReleaseIn
from .review_out import ReviewOut
from .route_out import RouteOut
from .routed_out import RoutedOut
from .scenario_item import ScenarioItem
from .scenario_list import ScenarioList
from .session_out import SessionOut
from .session_out_credential import SessionOutCredential
from .signed_in_out import SignedInOut
from .source_out import SourceOut
from .speed_out import SpeedOut
from .speed_out_speed import SpeedOutSpeed
from .start import Start
from .start_part import StartPart
from .start_part_state import StartPartState
from .statement_line_out import StatementLineOut
from .statement_line_out_charge_type_0 import StatementLineOutChargeType0
from .statement_line_out_kind_type_0 import StatementLineOutKindType0
from .theme_out import ThemeOut
from .token_in import TokenIn
from .token_out import TokenOut
from .tokens_out import TokensOut
from .top_out import TopOut
from .total_cost_out import TotalCostOut
from .totp_out import TotpOut
from .tracked_out import TrackedOut
from .tracked_out_stage import TrackedOutStage
from .tracking_out import TrackingOut
from .transaction_out import TransactionOut
from .transaction_out_kind import TransactionOutKind
from .transactions_export_format import TransactionsExportFormat
from .transactions_export_kind_type_0 import TransactionsExportKindType0
from .transactions_export_response_200 import TransactionsExportResponse200
from .transactions_list_kind_type_0 import TransactionsListKindType0
from .transfer_challenge_out import TransferChallengeOut
from .transfer_in import TransferIn
from .transfer_intent_out import TransferIntentOut
from .transfer_out import TransferOut
from .transfer_out_direction import TransferOutDirection
from .treasury_list_proposals_state_type_0 import TreasuryListProposalsStateType0
from .trial_balance_out import TrialBalanceOut
from .trial_line_out import TrialLineOut
from .trial_line_out_side import TrialLineOutSide
from .trial_total_out import TrialTotalOut
from .twin_out import TwinOut
from .twin_out_source import TwinOutSource
from .unfreeze_in import UnfreezeIn
from .validate_in import ValidateIn
from .validation_out import ValidationOut
from .venue_move_out import VenueMoveOut
from .venue_move_out_direction import VenueMoveOutDirection
from .venue_move_out_state import VenueMoveOutState
from .verify_in import VerifyIn
from .waiting import Waiting
from .wallet_out import WalletOut
from .wallets_export_statement_format import WalletsExportStatementFormat
from .wallets_export_statement_response_200 import WalletsExportStatementResponse200
from .withdrawal_in import WithdrawalIn
from .withdrawal_out import WithdrawalOut

__all__ = (
    "AcceptIn",
    "AccountExportResponse200",
    "AddressIn",
    "AddressOut",
    "AlternativeOut",
    "AlternativeOutHinderedType0",
    "AmountOut",
    "AnswerOut",
    "ApprovalIn",
    "ApprovalInVerdict",
    "ApprovalOut",
    "ApprovalOutState",
    "ApprovalOutSummary",
    "ArrivesByOut",
    "AssetOut",
    "AttemptOut",
    "AuditGetTrialBalanceFormat",
    "AuditListChecksVerdictType0",
    "BalanceOut",
    "BeneficiaryIn",
    "BeneficiaryOut",
    "BeneficiaryOutState",
    "BeneficiaryPatch",
    "BestExecutionOut",
    "BestExecutionOutSide",
    "BooksAssetOut",
    "BookSeenOut",
    "BooksOut",
    "BrandOut",
    "CancellableOut",
    "CandleOut",
    "CandleSourceOut",
    "CandlesOut",
    "CandlesOutInterval",
    "ChallengeOut",
    "ChaosIn",
    "ChaosInFault",
    "ChaosItem",
    "ChaosList",
    "CheckOut",
    "CheckOutReport",
    "CheckOutVerdict",
    "CloseIn",
    "ComplianceListApprovalsStateType0",
    "ConfigGetWordsResponseConfigGetWords",
    "ConfigOut",
    "ConfigOutMode",
    "ConfirmIn",
    "ConfirmTotpIn",
    "ConversionDetailOut",
    "ConversionIn",
    "ConversionOut",
    "DeliveryOut",
    "DemoCode",
    "DemoCodes",
    "Dependency",
    "DepositOut",
    "DepositOutFinalityType0",
    "DepositOutReasonType0",
    "DepositOutState",
    "DepositsListStateType0",
    "DepositTierOut",
    "DepositTierOutFinalityType0",
    "EmailConfirmedOut",
    "EmailIn",
    "EmailWaitingOut",
    "EndpointIn",
    "EndpointOut",
    "EndpointOutDisabledType0",
    "EndpointPatch",
    "EndpointsOut",
    "EndpointWithSecret",
    "EndpointWithSecretDisabledType0",
    "EstimateOut",
    "EventLogOut",
    "EventOut",
    "ExchangeListCandlesInterval",
    "FaceOut",
    "FaceOutStyle",
    "FaucetIn",
    "FaucetOut",
    "FeaturesOut",
    "FeeOut",
    "FeeOutKind",
    "FillOut",
    "FreezableOut",
    "FreezeOut",
    "FreezeOutCause",
    "FreezeOutFound",
    "HoldOut",
    "HoldOutReason",
    "IntentOut",
    "Invoice",
    "LanguageOut",
    "LanguageOutDirection",
    "LimitOut",
    "LinkIn",
    "LinksOut",
    "ListedAssetOut",
    "ListedNetworkOut",
    "LiveOut",
    "LoggedChangeOut",
    "LoginIn",
    "MailItem",
    "MailList",
    "MarketOut",
    "MarketsOut",
    "MeIn",
    "MeOut",
    "MineIn",
    "MineOut",
    "MoveOut",
    "MoveOutPurpose",
    "MoveOutState",
    "NetworkTermsOut",
    "NoticeOut",
    "NoticeOutTone",
    "NoticesIn",
    "NoticesOut",
    "ObstaclesOut",
    "OrderOut",
    "OrderOutSide",
    "PageAddressOut",
    "PageApprovalOut",
    "PageAssetOut",
    "PageBalanceOut",
    "PageBeneficiaryOut",
    "PageCheckOut",
    "PageConversionOut",
    "PageDeliveryOut",
    "PageDepositOut",
    "PageFreezeOut",
    "PageMoveOut",
    "PagePauseOut",
    "PageProposalOut",
    "PageSessionOut",
    "PageStatementLineOut",
    "PageTransactionOut",
    "PageTransferOut",
    "PageVenueMoveOut",
    "PageWalletOut",
    "PageWithdrawalOut",
    "PasswordIn",
    "PauseIn",
    "PauseOut",
    "PaymentOut",
    "PlaceOut",
    "PlannedOut",
    "PlannedOutSide",
    "PolicyOut",
    "Problem",
    "ProposalOut",
    "ProposalOutKind",
    "ProposalOutState",
    "QuoteIn",
    "QuoteInKind",
    "QuoteInSide",
    "QuoteInSpeedType0",
    "QuoteOut",
    "QuoteOutKind",
    "QuoteOutSide",
    "QuoteOutSpeedType0",
    "QuoteOutState",
    "RateOut",
    "ReadyOut",
    "RealisedLegOut",
    "RealisedOut",
    "ReceiptOut",
    "ReceiptOutHedge",
    "RecoveryCodesOut",
    "RefreshIn",
    "RefundRuleOut",
    "RefundRuleOutFeesKeptItem",
    "RegisteredOut",
    "RegisterIn",
    "RegistrationTakenOut",
    "ReleaseIn",
    "ReviewOut",
    "RoutedOut",
    "RouteOut",
    "ScenarioItem",
    "ScenarioList",
    "SessionOut",
    "SessionOutCredential",
    "SignedInOut",
    "SourceOut",
    "SpeedOut",
    "SpeedOutSpeed",
    "Start",
    "StartPart",
    "StartPartState",
    "StatementLineOut",
    "StatementLineOutChargeType0",
    "StatementLineOutKindType0",
    "ThemeOut",
    "TokenIn",
    "TokenOut",
    "TokensOut",
    "TopOut",
    "TotalCostOut",
    "TotpOut",
    "TrackedOut",
    "TrackedOutStage",
    "TrackingOut",
    "TransactionOut",
    "TransactionOutKind",
    "TransactionsExportFormat",
    "TransactionsExportKindType0",
    "TransactionsExportResponse200",
    "TransactionsListKindType0",
    "TransferChallengeOut",
    "TransferIn",
    "TransferIntentOut",
    "TransferOut",
    "TransferOutDirection",
    "TreasuryListProposalsStateType0",
    "TrialBalanceOut",
    "TrialLineOut",
    "TrialLineOutSide",
    "TrialTotalOut",
    "TwinOut",
    "TwinOutSource",
    "UnfreezeIn",
    "ValidateIn",
    "ValidationOut",
    "VenueMoveOut",
    "VenueMoveOutDirection",
    "VenueMoveOutState",
    "VerifyIn",
    "Waiting",
    "WalletOut",
    "WalletsExportStatementFormat",
    "WalletsExportStatementResponse200",
    "WithdrawalIn",
    "WithdrawalOut",
)
