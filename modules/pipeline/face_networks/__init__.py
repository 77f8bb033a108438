"""Networks for faces that spandrel does not know: one that finds them, one that restores them."""
