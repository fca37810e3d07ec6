"""What a person does with the signer's folder: copies that are proven, a new passphrase, a flag that stays."""

import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.signer.test_process import write_config
from tests.signer.world import settings, sign_evm, usdt
from tidegate.config import Settings
from tidegate.signer import care
from tidegate.signer.desk import Desk, open_vaults, policies_of
from tidegate.signer.home import FREEZE_FLAG, init, open_journal, open_seed, words
from tidegate.signer.journal import JournalBroken
from tidegate.signer.keys import WrongPassphrase
from tidegate.signer.server import run
from tidegate.signing.messages import Approved

NOW = "2026-11-24T10:00:00Z"


@pytest.fixture
def configured(tmp_path: Path) -> Settings:
    made = settings(tmp_path)
    init(made)
    return made


def passphrase(folder: Path, text: str) -> Path:
    path = folder / f"{text[:6]}-passphrase"
    path.write_text(text + "\n")
    return path


def no_secret_in(text: str, configured: Settings) -> None:
    assert open_seed(configured).entropy.hex() not in text and "prv" not in text
    # Single words of a seed are plain English, which a sentence may have; two in a row are none.
    seed, told = words(configured).split(), text.split()
    assert not set(pairwise(seed)) & set(pairwise(told))


def test_a_backup_is_written_once_and_proven(configured: Settings, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sealed"
    told = care.backup(configured, copy)
    assert "holds the seed" in told
    no_secret_in(told, configured)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert copy.read_bytes() != (configured.signer.directory / "seed.sealed").read_bytes(), "sealed anew"
    with pytest.raises(SystemExit, match="nothing was written"):
        care.backup(configured, copy)


def test_a_backup_restores_the_signer_on_another_machine(configured: Settings, tmp_path: Path) -> None:
    other = passphrase(tmp_path, "offline-copy-passphrase")
    care.backup(configured, tmp_path / "copy.sealed", other)
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "signer").mkdir(parents=True)
    restored = settings(elsewhere, passphrase_file=other)
    (elsewhere / "signer" / "seed.sealed").write_bytes((tmp_path / "copy.sealed").read_bytes())
    assert open_seed(restored) == open_seed(configured)


def test_a_copy_is_proven_by_the_public_file_where_the_seed_is_not(configured: Settings, tmp_path: Path) -> None:
    care.backup(configured, tmp_path / "copy.sealed")
    (configured.signer.directory / "seed.sealed").unlink()
    assert "holds the seed" in care.verify(configured, tmp_path / "copy.sealed")
    configured.signer.public_file.unlink()
    with pytest.raises(SystemExit, match="to compare"):
        care.verify(configured, tmp_path / "copy.sealed")


def test_a_copy_of_another_seed_is_told_apart(configured: Settings, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = settings(tmp_path / "b", passphrase_file=configured.signer.passphrase_file)
    init(other)
    care.backup(other, tmp_path / "other.sealed")
    with pytest.raises(SystemExit, match="ANOTHER"):
        care.verify(configured, tmp_path / "other.sealed")
    (configured.signer.directory / "seed.sealed").unlink()
    with pytest.raises(SystemExit, match="NOT those"):
        care.verify(configured, tmp_path / "other.sealed")


def test_a_damaged_copy_does_not_pass(configured: Settings, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sealed"
    care.backup(configured, copy)
    copy.write_bytes(copy.read_bytes()[:-1] + b"\0")
    with pytest.raises(WrongPassphrase):
        care.verify(configured, copy)


def test_rotate_seals_the_same_seed_under_the_new_passphrase_alone(configured: Settings, tmp_path: Path) -> None:
    before, new = open_seed(configured), passphrase(tmp_path, "another good passphrase")
    told = care.rotate(configured, new)
    assert "make a new backup" in told
    no_secret_in(told, settings(tmp_path, passphrase_file=new))
    with pytest.raises(WrongPassphrase):
        open_seed(configured)
    assert open_seed(settings(tmp_path, passphrase_file=new)) == before


def test_a_short_new_passphrase_changes_nothing(configured: Settings, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="at least 16"):
        care.rotate(configured, passphrase(tmp_path, "short"))
    open_seed(configured)


def desk(configured: Settings, *, adopt: bool = False) -> Desk:
    vaults, flag = open_vaults(open_seed(configured), configured), configured.signer.directory / FREEZE_FLAG
    return Desk(vaults, policies_of(configured), open_journal(configured, adopt=adopt), flag, lambda: NOW)


def test_freeze_stays_until_unfreeze(configured: Settings) -> None:
    care.freeze(configured, "an odd payout")
    assert desk(configured).status().frozen
    assert (configured.signer.directory / FREEZE_FLAG).read_text() == "an odd payout\n"
    assert care.unfreeze(configured) == "Signing goes on."
    assert care.unfreeze(configured) == "Signing was not frozen."


def test_a_journal_put_back_is_taken_only_by_a_person_and_then_frozen(configured: Settings) -> None:
    journal = configured.signer.directory / "journal.jsonl"
    first = desk(configured)
    assert isinstance(first.sign(sign_evm(usdt())), Approved)
    first._journal.close()  # the process ends
    journal.write_bytes(b"")
    with pytest.raises(JournalBroken):
        open_journal(configured)
    assert "0 lines" in care.accept_journal(configured)
    assert desk(configured).status().frozen


def test_what_a_person_compared_is_told_no_more(configured: Settings) -> None:
    first = desk(configured)
    assert isinstance(first.sign(sign_evm(usdt())), Approved)
    first._journal.close()  # the process ends
    assert "Of 1 transactions" in care.compared(configured, "the books were put right")
    again = desk(configured)
    assert again.signed_lately().transactions == ()
    with pytest.raises(JournalBroken):
        care.compared(configured, "while the signer runs")
    again._journal.close()


def test_production_does_not_start_without_totals_or_without_its_journal(configured: Settings) -> None:
    live = configured.model_copy(update={"mode": "production"})
    with pytest.raises(SystemExit, match="max_hourly and max_daily"):
        run(live)
    totals = {"max_hourly": live.signer.max_payout, "max_daily": live.signer.max_payout}
    live = live.model_copy(update={"signer": live.signer.model_copy(update=totals)})
    (live.signer.directory / "journal.jsonl").unlink()
    with pytest.raises(SystemExit, match="no journal"):
        run(live)


def test_the_commands_say_what_they_did_and_exit_by_it(configured: Settings, tmp_path: Path) -> None:
    config = write_config(configured, tmp_path)

    def tidegate(*words_: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tidegate.cli", "signer", *words_]
        return subprocess.run(
            command, env={"TIDEGATE_CONFIG": str(config)}, capture_output=True, text=True, check=False
        )

    made = tidegate("backup", str(tmp_path / "copy.sealed"))
    assert made.returncode == 0 and "holds the seed" in made.stdout, made.stderr
    no_secret_in(made.stdout + made.stderr, configured)
    wrong = tidegate("verify", str(tmp_path / "copy.sealed"), "--passphrase-file", str(config))
    assert wrong.returncode == 1 and "does not open" in wrong.stderr
    assert tidegate("freeze", "--", "-because").returncode == 0
    assert (configured.signer.directory / FREEZE_FLAG).read_text() == "-because\n"
    assert "goes on" in tidegate("unfreeze").stdout
