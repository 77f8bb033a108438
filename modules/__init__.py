"""Easel, an image studio for Stable Diffusion in the browser."""

__version__ = "0.1.0"
