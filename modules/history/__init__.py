"""Every picture ever made, found again: a list in SQLite beside the files, which stay the truth."""
