"""Ways to tell favela cells from others, and the one list of them."""
