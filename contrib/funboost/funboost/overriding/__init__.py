"""The documented classes: subclass them to change how a queue is consumed or published, or to make a broker.

`consumer` and `publisher` are what users subclass and call; `kinds` puts their classes together; `funboost.task` decides
what of it takes part, `seams` and `broker` bind the overridden methods to the core.  A method that nobody overrides is not there.
"""
