"""What the user wants to be told of: rules, what matches them, the outbox, its delivery, replay and digests."""
