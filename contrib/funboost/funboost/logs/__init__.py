"""Where the lines of the log go: a coloured console, files that processes share."""
