"""`make bench`: what the server costs, next to a bare Flask application on the same server in the same run."""
