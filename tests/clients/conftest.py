"""What `make clients` runs and `make test` does not: tools that take minutes to install and to start."""

import os

collect_ignore = [] if os.environ.get("GENERATORS") == "all" else ["test_tools_that_read_the_contract.py"]
