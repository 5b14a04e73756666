"""Found by each Python program that is started with this folder on its path."""

import os

if os.environ.get("AMPLIFY"):
    import stalls

    stalls.start()
