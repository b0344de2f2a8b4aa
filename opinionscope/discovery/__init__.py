"""Wallets that may be worth following: the exchange's leaderboard beside what is known of its wallets."""
