"""`make bench`: measures the cost of the server beside a bare Flask application on the same server in the same run."""
