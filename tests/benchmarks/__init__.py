"""Measurements, run on demand: `python -m tests.benchmarks [NAME…]`. Nothing here is a test."""
