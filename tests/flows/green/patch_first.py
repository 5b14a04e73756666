"""The first line of each program here: patches the process as a user does, by the library named on the command line."""

import sys
import warnings

if sys.argv[1] == "gevent":
    from gevent import monkey

    monkey.patch_all()
else:
    warnings.simplefilter("ignore")  # eventlet says at each import that it is deprecated
    import eventlet

    eventlet.monkey_patch()
