"""An OpenAPI document as a journey: two visits that nobody made, from which the same guesses are drawn as from two recordings."""
