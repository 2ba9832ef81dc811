"""The rules, one module per family. Modules are discovered automatically."""
