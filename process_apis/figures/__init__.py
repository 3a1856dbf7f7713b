"""Business figures: what the operations came to, folded out of the outbox, and how much stands open right now."""
