"""Generated requests: schemathesis on the stage of a run."""
