"""`python connexion_app.py FILE PORT`: connexion serving a contract with its examples.

Runs in connexion's own environment, so it imports nothing of this project.
"""

from __future__ import annotations

import sys
from importlib import import_module

FILE, PORT = sys.argv[1], int(sys.argv[2])
app = import_module("connexion").FlaskApp("peer")
# With a base path, because 3.3.0 loses the context of its operations at the root.
app.add_api(FILE, base_path="/flowservice", resolver=import_module("connexion.mock").MockResolver(mock_all=True))
import_module("uvicorn").run(app, host="127.0.0.1", port=PORT, log_level="error")
