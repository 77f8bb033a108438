"""Pictures and captions to train on: read, checked, mended, sorted into buckets, edited with undo; no torch."""
