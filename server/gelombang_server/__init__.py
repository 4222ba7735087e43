"""The reference server: the whole registration flow of a benefit programme, with a modelled photo store and civil registry."""
