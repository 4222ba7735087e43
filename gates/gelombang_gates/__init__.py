"""Performance regression gates: is a revision, or a run, slower than another, beyond chance and beyond a budget?"""
