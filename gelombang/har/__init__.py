"""From recordings of a browser (HAR 1.2) to a scenario: read, sift, guess what is captured where, write."""
