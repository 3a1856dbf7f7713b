"""What a conversion costs: on both stores, and with ten, a thousand and a hundred thousand behind it."""
