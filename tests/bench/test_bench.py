"""The bench works: every section that needs no whole system runs through at tiny sizes, its own checks included.

No timing is asserted. The sections look up every accepted request and prove the ledger, so this fails too when the
request path of the product stops answering what the bench counts.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECTIONS = os.environ.get("TIDEGATE_BENCH_SECTIONS", "posting,route").split(",")
"""The others take longer, the wallets' start whole systems: `make test-full` runs them too."""
TARGETS = {
    "posting": {
        "posting_hot_vs_tpcb": "at least 8",
        "posting_uniform_vs_tpcb": "at least 6",
        "posting_hot_vs_uniform": "at least 1.0",
    },
    "http": {"http_vs_plain": "at least 8", "http_vs_tpcb": "at least 0.7", "http_p99_vs_plain": "at most 0.3"},
    "depth": {"posting_deep_vs_shallow": "at least 0.8"},
    "quotes": {"quote_p99_vs_insert": "at most 3"},
    "conversions": {"conversion_p99_vs_posting": "at most 5"},
    "waiting": {
        "claim_full_vs_empty": "at most 1.5",
        "claim_memory": "at most 1.05",
        "wake_p99": "at most 100",
        "wake_none_lost": "at least 100",
        "event_p99": "at most 250",
    },
    "route": {"route_vs_decimal": "at least 2", "route_median": "at most 50", "route_never_worse": "at least 100"},
    "streams": {
        "streams_rate": "at least 95",
        "streams_whole": "at least 100",
        "streams_age_p99": "at most 50",
        "streams_memory": "at most 1.02",
    },
    "payouts": {
        "payouts_batched_vs_singly": "at least 20",
        "vbytes_batched": "at most 33",
        "vbytes_singly": "at most 130",
        "bitcoin_alone_p50": "at most 3",
        "bitcoin_alone_p99": "at most 6",
        "ethereum_alone_p50": "at most 3",
        "ethereum_alone_p99": "at most 6",
        "payouts_books_exact": "at least 1",
        "worker_resident_batched": "at most 250",
        "signer_resident_batched": "at most 250",
        "worker_resident_singly": "at most 250",
        "signer_resident_singly": "at most 250",
    },
    "deposits": {
        "deposit_on_page_p99": "at most 1",
        "deposits_many_vs_node": "at most 3",
        "deposits_flat": "at most 1.25",
    },
}


@pytest.mark.timeout(1200)
async def test_the_bench_runs_through_and_judges_every_promise(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    words = ["--quick", "--only", ",".join(SECTIONS), "--out", str(out)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench",
        *words,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()[-3000:]
    measures = json.loads(out.read_text())["measures"]
    promised = {name: target for section in SECTIONS for name, target in TARGETS[section].items()}
    assert {one["id"]: one["target"] for one in measures if one["target"]} == promised
    assert all(one["value"] > 0 for one in measures)
