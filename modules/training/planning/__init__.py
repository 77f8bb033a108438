"""Before a training begins: advice, presets, memory, speed on this machine."""
