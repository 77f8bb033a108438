"""What a step learns from: pictures, captions, masks, and what is kept of them."""
