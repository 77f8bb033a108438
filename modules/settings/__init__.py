"""What a person sets once, and keeps."""
