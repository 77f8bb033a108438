"""Models from Hugging Face, Civitai and other places: what is offered, and files fetched whole, checked and put where they belong."""
