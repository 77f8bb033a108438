"""The demo checkpoint: a narrow Stable Diffusion 1 trained from nothing on drawings this package draws itself.

`python -m modules.demo --work FOLDER` repeats it from beginning to end on a processor or a graphics card.
"""
