"""One file per architecture: what a model family is, in one place."""
