"""What makes a laptop a world: launchers of real parts, the supervisor, faucet, chaos, the demo users."""
