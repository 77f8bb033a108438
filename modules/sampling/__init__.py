"""Noise to latents: the numbers, nothing else."""
