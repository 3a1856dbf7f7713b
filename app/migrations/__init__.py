"""Numbered migrations of our own tables; the durable engine keeps its own."""
