"""Alerts and pings about a job that keeps failing."""
