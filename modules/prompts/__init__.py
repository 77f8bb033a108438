"""Prompt text to what must be encoded; pure Python."""
