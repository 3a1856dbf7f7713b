"""What a process of the gateway costs by being there, and what tracing adds to a call."""
