"""The site's part after the registration: waves, draws, looks, benefits and payments; there when the profile has a [programme]."""
