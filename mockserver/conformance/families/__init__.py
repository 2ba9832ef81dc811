"""The rules, one module per family. A new module here is found by itself."""
