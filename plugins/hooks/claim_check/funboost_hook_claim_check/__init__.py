"""Big arguments wait in a folder; the message has a claim check."""
