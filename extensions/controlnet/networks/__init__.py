"""Networks of preprocessors, one architecture a file, with the names of tensors that their published files have."""
