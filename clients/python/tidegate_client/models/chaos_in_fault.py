from enum import StrEnum


class ChaosInFault(StrEnum):
    MINING_PAUSED = "mining_paused"
    NODE_ANSWER_DROPPED = "node_answer_dropped"
    REORG = "reorg"
    VENUE_TIMEOUT_AFTER_ACCEPT = "venue_timeout_after_accept"
    WORKER_KILLED = "worker_killed"

    def __str__(self) -> str:
        return str(self.value)
