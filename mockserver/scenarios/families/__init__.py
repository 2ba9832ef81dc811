"""The scenarios, one module per family. Modules are discovered automatically."""
