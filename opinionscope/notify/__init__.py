"""Delivers a message to the alert targets."""
