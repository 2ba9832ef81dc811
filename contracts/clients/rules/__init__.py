"""One client for each rule, in modules named like the rules' own. It breaks only this rule and cleans up."""
