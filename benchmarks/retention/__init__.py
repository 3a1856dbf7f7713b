"""What forgetting costs: a batch with much and little behind it, and conversions beside it."""
