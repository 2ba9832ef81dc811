"""A client for each rule, in modules named as the rules' own: it breaks that one, and cleans up after itself."""
