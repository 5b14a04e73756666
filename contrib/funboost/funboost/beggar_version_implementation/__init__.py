"""The whole idea in ten lines, for reading."""
