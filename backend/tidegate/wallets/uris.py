"""What a deposit address looks like in a QR code. Pure. (What people paste is read by `chains.uri`.)"""

from tidegate.config import NetworkSettings


def payment_uri(network: NetworkSettings, asset: str, address: str) -> str:
    """BIP21 for bitcoin; EIP-681 with the chain id for ether and for tokens, so that no wallet has to guess."""
    if network.family == "bitcoin":
        return f"bitcoin:{address}"
    token = network.tokens.get(asset)
    if token is None:
        return f"ethereum:{address}@{network.chain_id}"
    return f"ethereum:{token.contract}@{network.chain_id}/transfer?address={address}"
