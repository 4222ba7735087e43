"""The applicant's pages: the registration as a person with a phone sees it, on top of what the JSON routes do."""
