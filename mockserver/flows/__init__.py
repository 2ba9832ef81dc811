"""How flow runs come about: rules, schedule, progress and outcome."""
