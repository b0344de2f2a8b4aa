"""What `check` verifies: settings, key, exchange, database and schedule."""
