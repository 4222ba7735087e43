"""What the site promises to programs: its routes as an OpenAPI document, made from the routes themselves."""
