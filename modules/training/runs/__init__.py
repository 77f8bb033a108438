"""Trainings as people have them: folders, the queue, processes, samples, what becomes of the files."""
