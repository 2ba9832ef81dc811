"""The documentation as a site: pages of the repository, and reference pages made from the tables of the code."""
