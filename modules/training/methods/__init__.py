"""What is trained: adapters, vectors of a word, or the whole model."""
