"""What the gateway costs beside the same composition made by hand."""
