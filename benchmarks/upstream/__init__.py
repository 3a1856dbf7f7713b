"""What a call to a neighbour costs, and whether twenty thousand of them leave anything behind."""
