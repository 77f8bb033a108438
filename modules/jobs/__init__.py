"""Long work, one piece at a time on each device: the queue, its list on disk, and what work may say."""
