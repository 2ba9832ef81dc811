"""One client for each scenario, in modules named like the scenarios' own. Without the scenario it breaks no rule."""
