"""The command line: finds a command, parses its options, calls a lower layer and prints."""
