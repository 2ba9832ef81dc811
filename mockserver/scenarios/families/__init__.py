"""The scenarios, one module per family. A new module here is found by itself."""
