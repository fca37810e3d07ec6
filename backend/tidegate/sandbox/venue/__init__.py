"""The sandbox venue: one local server that speaks Binance Spot's REST protocol to any client and checks every call.

It shares no code with `tidegate.venues`, so that a misreading of the protocol cannot agree with itself.
"""
