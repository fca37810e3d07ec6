"""The signer: the isolated process that holds the keys. Nobody imports it; start it by `python -m tidegate.signer`."""
