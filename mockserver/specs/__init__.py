"""Adobe's specs: connectors, auth specs, connection strings, flow specs, and specs written by tenants."""
