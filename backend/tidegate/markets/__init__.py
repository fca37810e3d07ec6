"""Markets: what the venues' books say, how old it is, and what a size of money would get there. No orders."""
