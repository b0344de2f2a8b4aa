"""The SQLite database: its migrations, and typed rows of its tables."""
