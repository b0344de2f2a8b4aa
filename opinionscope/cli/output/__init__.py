"""Printing: columns, layout, formats, tables, JSON, charts and progress."""
