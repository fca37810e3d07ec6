from typing import Literal

ChaosInFault = Literal["mining_paused", "node_answer_dropped", "reorg", "venue_timeout_after_accept", "worker_killed"]

CHAOS_IN_FAULT_VALUES: set[ChaosInFault] = {
    "mining_paused",
    "node_answer_dropped",
    "reorg",
    "venue_timeout_after_accept",
    "worker_killed",
}


def check_chaos_in_fault(value: str) -> ChaosInFault:
    if value in CHAOS_IN_FAULT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CHAOS_IN_FAULT_VALUES!r}")
