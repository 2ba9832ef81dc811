"""What Adobe's specs demand: connectors, auth specs, connection strings, flow specs, and specs that tenants wrote."""
