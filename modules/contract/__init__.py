"""What the layers say to each other: values, events and errors; no torch, no gradio, no diffusers."""
