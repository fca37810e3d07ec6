"""Exchange: quotes, conversions, and the orders that hedge them."""
