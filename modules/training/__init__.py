"""Teaches a model: what is trained, on which pictures, in what order, and what is written when it ends.

`run_folder` is where a training lives on the disk, `loop` is the training itself on one page. Files without torch (`run_folder`, `runs`,
`launch`, `advice`) may be used by the server.
"""
