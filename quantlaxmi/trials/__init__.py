"""What was tried: a ledger of trials, and holdouts that are sealed in it."""

from quantlaxmi.trials.holdout import Holdout, holdouts, refuse_sealed, seal_from
from quantlaxmi.trials.ledger import ENVIRONMENT, TrialLedger, current_ledger, using
from quantlaxmi.trials.merge import merge_ledgers
from quantlaxmi.trials.opening import judge_seal, open_seal
from quantlaxmi.trials.records import (
    Extent,
    Judgement,
    Opening,
    Seal,
    Trial,
    TrialKey,
    extent_of,
)
from quantlaxmi.trials.used import TrialsUsed

__all__ = [
    "ENVIRONMENT",
    "Extent",
    "Holdout",
    "Judgement",
    "Opening",
    "Seal",
    "Trial",
    "TrialKey",
    "TrialLedger",
    "TrialsUsed",
    "current_ledger",
    "extent_of",
    "holdouts",
    "judge_seal",
    "merge_ledgers",
    "open_seal",
    "refuse_sealed",
    "seal_from",
    "using",
]
