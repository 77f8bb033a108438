"""Files that others read, written, described and read back."""
