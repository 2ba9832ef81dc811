"""A client for each scenario, in modules named as the scenarios' own: on a fine day nothing can be said against it."""
