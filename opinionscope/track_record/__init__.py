"""What a wallet holds and how well it has done, worked out from its trades: pure rules, without clock or disk."""
