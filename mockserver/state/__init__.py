"""Records: the store's protocol and errors, where records are kept, export and import."""
