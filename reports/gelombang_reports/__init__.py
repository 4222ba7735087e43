"""One record to page, console, Markdown and JUnit."""
