"""The page, made with Gradio; nothing here needs torch, not even indirectly."""
