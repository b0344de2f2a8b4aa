"""The databases of several shards, each of which polls a part of the wallets, as one database to look at."""
