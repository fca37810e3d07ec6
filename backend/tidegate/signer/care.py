"""What a person does with the signer's folder: backup, proof of a backup, a new passphrase, freeze, a lost journal.

Nothing here prints a key. Each verb answers with the sentences to be shown.
"""

import hmac
import json
from collections.abc import Sequence
from pathlib import Path

from tidegate.config import Settings
from tidegate.signer.desk import open_vaults
from tidegate.signer.home import (
    FREEZE_FLAG,
    SEED_FILE,
    now,
    open_journal,
    open_seed,
    passphrase,
    public_document,
    read_passphrase,
)
from tidegate.signer.keys import replace, seal, sync_folder, unseal, write_new


def backup(settings: Settings, path: Path, passphrase_file: Path | None = None) -> str:
    """Write an encrypted copy of the seed and prove it. Refuses (SystemExit) to write over a file."""
    seed = open_seed(settings)
    words = read_passphrase(passphrase_file, "", new=False) if passphrase_file else passphrase(settings)
    try:
        write_new(path, seal(seed, words), 0o600)
    except FileExistsError as error:
        raise SystemExit(f"{path} is there already; nothing was written.") from error
    sync_folder(path.parent)
    return f"Written: {path}.\n{_proof(settings, path, words)}"


def verify(settings: Settings, path: Path, passphrase_file: Path | None = None) -> str:
    """Prove that the copy opens and is the seed of this signer: by the seed itself if it is here, else by its keys.

    Refuses (SystemExit) a copy of another seed, and (WrongPassphrase) one that does not open.
    """
    words = read_passphrase(passphrase_file, "", new=False) if passphrase_file else passphrase(settings)
    return _proof(settings, path, words)


def _proof(settings: Settings, path: Path, words: bytes) -> str:
    copy, public = unseal(path.read_bytes(), words), settings.signer.public_file
    if (settings.signer.directory / SEED_FILE).exists():
        own = open_seed(settings)
        if not hmac.compare_digest(own.entropy, copy.entropy) or own.born != copy.born:
            raise SystemExit("This copy opens, and holds ANOTHER seed.")
    elif public.is_file():
        written, own_keys = (
            json.loads(public.read_bytes()),
            public_document(copy, open_vaults(copy, settings), settings),
        )
        # Where moves may go is a setting, and no part of the seed.
        settled = {"cold": None, "venues": None}
        if {**written, **settled} != {**own_keys, **settled}:
            raise SystemExit("This copy opens, and its keys are NOT those of the public file.")
    else:
        raise SystemExit("This copy opens; there is neither a seed nor a public file here to compare it with.")
    return f"It opens, and holds the seed of this signer: fingerprint {copy.fingerprint()}."


def rotate(settings: Settings, new_passphrase_file: Path | None = None) -> str:
    """Seal the same seed under a new passphrase. The keys stay: new keys need the coins to be moved, see the guide."""
    seed = open_seed(settings)
    words = read_passphrase(new_passphrase_file, "New passphrase: ", new=True)
    path = settings.signer.directory / SEED_FILE
    sealed = seal(seed, words)
    if unseal(sealed, words) != seed:
        raise SystemExit("The new seal does not open; nothing was changed.")
    replace(path, sealed, 0o600)
    sync_folder(path.parent)
    told = "The seed opens with the new passphrase alone. Older copies still open with the old one: make a new backup."
    if settings.signer.passphrase_file is not None:
        told += f"\nPut the new passphrase into {settings.signer.passphrase_file} before the next start."
    return told


def freeze(settings: Settings, reason: str) -> str:
    """From now on nothing is signed, through every restart, until `unfreeze`."""
    flag = settings.signer.directory / FREEZE_FLAG
    replace(flag, reason.encode() + b"\n", 0o600)
    sync_folder(flag.parent)
    return "Signing is frozen."


def unfreeze(settings: Settings) -> str:
    flag = settings.signer.directory / FREEZE_FLAG
    if not flag.exists():
        return "Signing was not frozen."
    flag.unlink()
    sync_folder(flag.parent)
    return "Signing goes on."


def release(settings: Settings, payout_id: str, dead: Sequence[str]) -> str:
    """A person says that each of these transactions, all that were signed for the payout, can never be mined any more.

    Afterwards it may be signed once more with other coins or another nonce. Refuses (SystemExit) unless every one of
    them is named: who names it has looked for it. The signer must be stopped, since its journal is written here.
    """
    journal = open_journal(settings)
    try:
        signed = [one.txid for one in journal.memory.attempts.get(payout_id)]
        if not signed:
            return "Nothing that was signed for it stands in the way."
        if set(signed) != set(dead):
            raise SystemExit(
                "\n".join([f"Signed for {payout_id}, and not released before:", *signed])
                + "\nLook for each of them on the chain. If none can ever be mined, name them all with --dead."
            )
        journal.release(payout_id, signed, now())
        return f"Released: {payout_id} may be signed once more. Start the signer again."
    finally:
        journal.close()


def compared(settings: Settings, reason: str) -> str:
    """A person says that the books have every transaction up to here, as after a database was restored and put right.

    The worker no longer compares those. The signer must be stopped, since its journal is written here.
    """
    journal = open_journal(settings)
    try:
        left = len(journal.lately)
        journal.compared(reason, now())
        return f"Of {left} transactions it is remembered that they were compared. Start the signer, then `tidegate resume`."
    finally:
        journal.close()


def accept_journal(settings: Settings) -> str:
    """Take the journal as it lies here, although its head tells of another: frozen, until a person has compared."""
    freeze(settings, "the journal was accepted although its head told of another")
    journal = open_journal(settings, adopt=True)
    try:
        return (
            f"The journal has {journal.lines} lines and head {journal.head[:16]}. Signing is frozen: compare chain and "
            "books for payouts that it does not know, then run `tidegate signer unfreeze`."
        )
    finally:
        journal.close()
