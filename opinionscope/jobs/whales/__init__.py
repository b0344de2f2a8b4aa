"""Job `sync whales`: reads the tracked wallets' lists of trades and stores what is new."""
