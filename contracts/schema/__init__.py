"""The contract as a document, and how a value departs from one of its schemas."""
