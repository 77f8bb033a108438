"""HTTP: our own routes, and the guard that stands before everything that is served."""
