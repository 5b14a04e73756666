"""What several test folders share: a broker, pools and state small enough to be read in a minute, all in memory."""
