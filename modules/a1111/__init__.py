"""The wing for programs made for A1111: its API over our parts. Nothing but app.py imports it."""
