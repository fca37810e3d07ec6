"""The sandbox venues: one local server for each of Binance Spot, Coinbase Advanced Trade and Kraken Spot, that speaks
the real one's REST protocol to any client and checks every call.

Common to all: `World` (accounts, market, memory, faults), `Engine` (orders and balances), `Funding` (money in and out).
A dialect reads and words. None of it shares code with `tidegate.venues`, so that a misreading of a protocol cannot
agree with itself.
"""
