"""How often each wallet is polled, and which is next: pure rules, without clock, disk or network."""
