"""Bitcoin through a node's watch-only descriptor wallet. The node holds no key."""
