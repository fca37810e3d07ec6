"""What an operator may change without a build: name, colours, faces, logos, a stylesheet, words. Read once, at start."""
