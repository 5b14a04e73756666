"""funboost's log through nb_log."""
