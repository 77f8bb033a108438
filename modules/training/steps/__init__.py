"""The loop: gradients, states to go on from, recovery."""
