"""Files on disk to tensors."""
